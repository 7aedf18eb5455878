#pragma once

#include <string>
#include <string_view>

namespace watchbill::slack_app {

/// 128 random bits in hexadecimal: for what must not be guessed, or mixed up with that of another run.
std::string random_ticket();
/// Compares in constant time; two empty ones are not the same.
bool same_ticket(std::string_view a, std::string_view b);

}  // namespace watchbill::slack_app
