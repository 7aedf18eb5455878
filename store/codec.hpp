#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "core/announce/outbox.hpp"
#include "core/connection.hpp"
#include "core/history.hpp"
#include "core/oncall/on_call_person.hpp"
#include "core/oncall/rotation.hpp"
#include "core/oncall/rotation_record.hpp"
#include "core/oncall/schedule_state.hpp"
#include "core/oncall/timeline.hpp"

/// The store's JSON columns. Instants are integers: milliseconds since 1970, exact up to `kNever`. Reading
/// ignores fields it does not know and lets those that are absent keep their default, so that neighbouring
/// versions understand each other; what identifies a thing must be there. Errors name the JSON path.
namespace watchbill::store {

/// Instantiated for: std::vector of OnCallPerson, NextPerson, Responder, UserId and std::string; Timeline,
/// Doubt, SuddenChange, GroupTarget, FormerGroup, AnnouncementFacts, std::map of std::string.
template <class T>
std::string encode(const T& value);
template <class T>
Result<T> decode(std::string_view json);
template <>
std::string encode(const Timeline& timeline);
template <>
Result<Timeline> decode(std::string_view json);

/// A rotation as people write it in files: for the audit.
std::string audit_json(const Rotation& rotation);
/// A connection with the names of its secrets; `changed` are those whose value is new.
std::string audit_json(const Connection& connection, const std::vector<std::string>& changed);

}  // namespace watchbill::store
