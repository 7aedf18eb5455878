#include "base/enum_names.hpp"
#include "core/announce/outbox.hpp"

namespace watchbill {

namespace {

constexpr NameTable<OutboxState, 8> kStates{{{OutboxState::waiting, "waiting"},
                                             {OutboxState::ready, "ready"},
                                             {OutboxState::sending, "sending"},
                                             {OutboxState::sent, "sent"},
                                             {OutboxState::unknown, "unknown"},
                                             {OutboxState::blocked, "blocked"},
                                             {OutboxState::superseded, "superseded"},
                                             {OutboxState::expired, "expired"}}};

}  // namespace

std::string_view name_of(OutboxState state) {
  return name_in(kStates, state);
}

Result<OutboxState> parse_outbox_state(std::string_view text) {
  return value_in(kStates, "outbox state", text);
}

}  // namespace watchbill
