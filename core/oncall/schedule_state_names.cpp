#include "base/enum_names.hpp"
#include "core/oncall/schedule_state.hpp"

namespace watchbill {

namespace {

constexpr NameTable<Presence, 4> kPresences{{{Presence::never_asked, "never_asked"},
                                             {Presence::ok, "ok"},
                                             {Presence::gone, "gone"},
                                             {Presence::forbidden, "forbidden"}}};

}  // namespace

std::string_view name_of(Presence presence) {
  return name_in(kPresences, presence);
}

Result<Presence> parse_presence(std::string_view text) {
  return value_in(kPresences, "presence", text);
}

}  // namespace watchbill
