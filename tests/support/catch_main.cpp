// The main of all test programs, for version 2 alone.
#define CATCH_CONFIG_MAIN
#include "tests/support/catch.hpp"
