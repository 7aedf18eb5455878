#include "core/history.hpp"

#include "base/enum_names.hpp"

namespace watchbill {

namespace {

constexpr NameTable<Cause, 6> kCauses{{{Cause::handoff, "handoff"},
                                       {Cause::drift, "drift"},
                                       {Cause::edit, "edit"},
                                       {Cause::adoption, "adoption"},
                                       {Cause::restore, "restore"},
                                       {Cause::config, "config"}}};

}  // namespace

std::string_view name_of(Cause cause) {
  return name_in(kCauses, cause);
}

Result<Cause> parse_cause(std::string_view text) {
  return value_in(kCauses, "cause", text);
}

}  // namespace watchbill
