#pragma once

#include <vector>

#include "engine/model.hpp"

/// What becomes of a problem that is not told any more: it is over only if somebody has looked.
namespace watchbill::engine {

/// All problems of a rotation: the plan's, the engine's, and those of before (`entry.open`) of which what is
/// known now does not tell whether they are over.
std::vector<Problem> problems_of(const RotationEntry& entry);

/// At the start: the open problems of the last run, which stay until they are looked at. `problem` as it was
/// told, with the name of its rotation.
void recall_problem(RotationEntry& entry, Problem problem, SteadyInstant now);

/// True if the rotation announces in this channel: a channel that refused is a problem until it takes an
/// announcement, or is none of the rotation's any more.
bool announces_in(const Rotation& rotation, const ChannelId& channel);

/// Names of the engine's own problems, behind "rotation:N:".
inline constexpr std::string_view kChannelProblem = "channel:";
inline constexpr std::string_view kDriftProblem = "drift";
inline constexpr std::string_view kMissingProblem = "missing";
inline constexpr std::string_view kUnwritableProblem = "unwritable";

}  // namespace watchbill::engine
