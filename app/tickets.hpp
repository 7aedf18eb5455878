#pragma once

#include <string>

namespace watchbill::app {

/// 128 random bits in hexadecimal: for what must not be guessed, or mixed up with that of another run.
std::string random_ticket();

}  // namespace watchbill::app
