#include "net/task.hpp"

#include <list>

namespace watchbill::net {

/// The frames of a scope's tasks.
struct TaskScope::State {
  std::list<std::coroutine_handle<>> roots;
  std::function<void(std::exception_ptr)> on_broken;
};

/// The outermost frame of a spawned task: it frees itself at its end.
struct TaskScope::Root {
  struct promise_type {  // NOLINT(readability-identifier-naming): the language looks for this name
    State* state;
    std::list<std::coroutine_handle<>>::iterator place;

    promise_type(std::shared_ptr<State>& owner, Task<void>&) : state(owner.get()) {}
    Root get_return_object() { return Root{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept {
      state->roots.erase(place);
      return {};
    }
    void return_void() {}
    void unhandled_exception() {
      if (!state->on_broken) std::terminate();
      state->on_broken(std::current_exception());
    }
  };
  std::coroutine_handle<promise_type> handle;
};

// `state` is a parameter so that the frame keeps it alive when the scope goes first.
TaskScope::Root TaskScope::run(std::shared_ptr<State> /*state*/, Task<void> task) {
  co_await std::move(task);
}

TaskScope::TaskScope(std::function<void(std::exception_ptr)> on_broken) : state_(std::make_shared<State>()) {
  state_->on_broken = std::move(on_broken);
}

TaskScope::~TaskScope() {
  cancel();
}

void TaskScope::spawn(Task<void> task) {
  auto root = run(state_, std::move(task));
  root.handle.promise().place = state_->roots.insert(state_->roots.end(), root.handle);
  root.handle.resume();
}

std::size_t TaskScope::running() const {
  return state_->roots.size();
}

void TaskScope::cancel() {
  while (!state_->roots.empty()) {
    auto handle = state_->roots.front();
    state_->roots.pop_front();
    handle.destroy();
  }
}

}  // namespace watchbill::net
