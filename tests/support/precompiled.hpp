#pragma once

// What almost every test reads, read once (docs/decisions/0015).
#include "base/precompiled.hpp"
#include "tests/support/catch.hpp"
