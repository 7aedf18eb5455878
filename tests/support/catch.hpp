#pragma once

// Every test has Catch2 from here.
#include <catch2/catch.hpp>
