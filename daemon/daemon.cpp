#include "daemon/daemon.hpp"

#include <fmt/core.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "daemon/log.hpp"
#include "daemon/not_in_sync.hpp"
#include "daemon/systemd_notify.hpp"
#include "net/thread_executor.hpp"
#include "store/files.hpp"

namespace watchbill::daemon {

namespace {

constexpr auto kStopPatience = 10s;
constexpr auto kOnceLimit = 60s;

int complain(const Error& error) {
  fmt::print(stderr, "watchbilld: {}\n", error.message);
  return 1;
}

/// A hangup asks for the configuration to be read again; while nobody listens for it, it waits.
void hold_hangups(bool hold) {
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &hangup, nullptr);
}

/// What keeps `--once` from its end.
struct NotInSync {
  std::vector<std::string> rotations;  ///< one line each
  std::size_t announcements = 0;
};

NotInSync read_not_in_sync(store::Store& store) {
  NotInSync left;
  const auto rotations = store.rotations().list();
  const auto statuses = store.engine().statuses();
  const auto announcements = store.outbox().open_rows();
  if (rotations && statuses) left.rotations = not_in_sync_lines(*rotations, *statuses);
  if (announcements) left.announcements = announcements->size();
  return left;
}

/// One process, and the service that is running now.
class Daemon {
 public:
  Daemon(net::EventLoop& loop, DaemonOptions options, config::Config config, store::AsyncStore store)
      : loop_(loop), options_(std::move(options)), config_(std::move(config)), store_(store) {}

  int serve() {
    loop_.on_signal(SIGTERM, [this] { stop_asked(); });
    loop_.on_signal(SIGINT, [this] { stop_asked(); });
    loop_.on_signal(SIGHUP, [this] {
      if (stopping_ || options_.once) return;
      // What was written into the configuration since it was read is read, too.
      reload_again_ = changing_;
      if (!changing_) tasks_.spawn(reload());
    });
    hold_hangups(false);
    tasks_.spawn(live());
    loop_.run();
    return status_;
  }

 private:
  net::Task<void> live() {
    changing_ = true;
    if (auto begun = co_await begin(); !begun) {
      status_ = complain(begun.error());
      loop_.stop();
      co_return;
    }
    if (const auto interval = watchdog_interval()) tasks_.spawn(feed_watchdog(*interval));
    if (options_.once) tasks_.spawn(once());
    if (reload_again_) co_return co_await reload();
    co_await go_on();
  }

  net::Task<Result<void>> begin() {
    auto service = co_await Service::build(loop_, store_, config_);
    if (!service) co_return service.error();
    service_ = std::move(*service);
    if (auto started = co_await service_->start(); !started) co_return started;
    if (!options_.once) service_->open_app(options_.make_app);
    co_return Result<void>{};
  }

  /// The service is there, as it is going to be.
  net::Task<void> go_on() {
    changing_ = false;
    // SIGTERM came meanwhile: nothing new begins.
    if (stopping_) co_return co_await finish();
    notify("READY=1\nSTATUS=keeping groups");
  }

  void stop_asked() {
    if (stopping_) {
      spdlog::warn("stopped at once, on the second signal");
      std::_Exit(1);
    }
    stopping_ = true;
    notify("STOPPING=1\nSTATUS=finishing what is in flight");
    spdlog::info("stopping");
    if (!changing_) tasks_.spawn(finish());
  }

  net::Task<void> finish() {
    if (service_) co_await service_->stop(kStopPatience);
    loop_.stop();
  }

  net::Task<void> once() {
    const bool in_sync = co_await service_->engine().wait_in_sync(kOnceLimit);
    status_ = in_sync ? 0 : 1;
    co_await service_->stop(kStopPatience);
    if (!in_sync) co_await tell_not_in_sync();
    loop_.stop();
  }

  /// What kept `--once` from its end, one line a rotation, as `watchbill status` shows it.
  net::Task<void> tell_not_in_sync() {
    const auto left = co_await store_.run(read_not_in_sync);
    if (left.rotations.empty() && left.announcements > 0)
      spdlog::warn("{} announcements have not been sent: see `watchbill status`", left.announcements);
    else
      spdlog::warn("not every rotation is in sync: see `watchbill status`");
    for (const auto& line : left.rotations) spdlog::warn("{}", line);
  }

  net::Task<void> feed_watchdog(milliseconds interval) {
    while (true) {
      notify("WATCHDOG=1");
      co_await net::sleep_for(loop_, interval);
    }
  }

  net::Task<void> reload() {
    changing_ = true;
    do {
      reload_again_ = false;
      notify("RELOADING=1");
      co_await load_configuration();
    } while (reload_again_ && !stopping_);
    co_await go_on();
  }

  /// A bad configuration changes nothing: the old one goes on.
  net::Task<void> load_configuration() {
    auto fresh = config::load(options_.sources);
    if (!fresh) {
      spdlog::error("the configuration was not reloaded:\n{}", fresh.error().message);
    } else if (fresh->store != config_.store || fresh->key_file != config_.key_file) {
      spdlog::error("the configuration was not reloaded: store and key_file take effect at a restart only");
    } else {
      co_await take_over(std::move(*fresh));
    }
  }

  net::Task<void> take_over(config::Config fresh) {
    auto service = co_await Service::build(loop_, store_, fresh);
    if (!service) {
      spdlog::error("the configuration was not reloaded: {}", service.error().message);
      co_return;
    }
    co_await service_->stop(kStopPatience);
    if (stopping_) co_return;
    service_ = std::move(*service);
    if (auto started = co_await service_->start(); !started) {
      spdlog::error("the new configuration does not work: {}; going back to the old one",
                    started.error().message);
      service_.reset();
      if (auto again = co_await begin(); !again) {
        spdlog::error("{}", again.error().message);
        status_ = 1;
        loop_.stop();
      }
      co_return;
    }
    service_->open_app(options_.make_app);
    config_ = std::move(fresh);
    set_up_log(config_.log);
    spdlog::info("configuration reloaded");
  }

  net::EventLoop& loop_;
  DaemonOptions options_;
  config::Config config_;
  store::AsyncStore store_;
  std::unique_ptr<Service> service_;
  bool stopping_ = false;
  bool changing_ = false;  ///< the service is being begun, or changed for another
  bool reload_again_ = false;
  int status_ = 0;
  net::TaskScope tasks_;
};

/// Answers of megabytes come and go between small things that stay. Large blocks are given back to the system
/// at once: glibc would raise this limit by itself whenever one is freed, and the heap would stay that large.
void keep_heap_small() {
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  mallopt(M_TRIM_THRESHOLD, 512 << 10);
}

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(const config::Config& config) {
  auto key = config::find_key_credential();
  if (!key) return key.error();
  store::OpenOptions options{config.store, config.key_file, std::move(*key)};
  for (int attempt = 1;; ++attempt) {
    auto store = store::Store::open(options);
    if (store || store.error().code != "busy" || attempt == 20) return store;
    std::this_thread::sleep_for(100ms);
  }
}

namespace {

net::Task<Result<std::unique_ptr<store::Store>>> open_on(net::Executor& executor, config::Config config) {
  const std::function<Result<std::unique_ptr<store::Store>>()> open = [config = std::move(config)] {
    return open_store(config);
  };
  co_return co_await net::Run<Result<std::unique_ptr<store::Store>>>(executor, open);
}

int serve(net::EventLoop& loop, const DaemonOptions& options, const config::Config& config,
          store::AsyncStore store) {
  return Daemon(loop, options, config, store).serve();
}

}  // namespace

int run(const DaemonOptions& options) {
  hold_hangups(true);
  store::keep_memory_private();
  keep_heap_small();
  auto config = config::load(options.sources);
  if (!config) return complain(config.error());
  set_up_log(config->log);
  auto lock = store::WriterLock::take(config->store, "watchbilld");
  if (!lock) return complain(lock.error());

  net::EventLoop loop;
  // Opened, used and closed on a thread of its own: the loop waits for no disk.
  std::unique_ptr<store::Store> store;
  net::ThreadExecutor executor(loop);
  auto opened = loop.run_until_done(open_on(executor, *config));
  if (!opened) return complain(opened.error());
  store = std::move(*opened);
  const int status = serve(loop, options, *config, {*store, executor});
  executor.submit([&store] { store.reset(); }, [] {});
  return status;
}

}  // namespace watchbill::daemon
