#include "base/build.hpp"

namespace watchbill {

std::string_view build_commit() {
  return WATCHBILL_COMMIT;
}

}  // namespace watchbill
