#pragma once

// What almost every test reads, read once (docs/decisions/0015).
#include <catch2/catch.hpp>

#include "base/precompiled.hpp"
