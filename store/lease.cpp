#include "store/lease.hpp"

#include "store/commit.hpp"

namespace watchbill::store {

Result<HostLease> HostLease::begin(Store& store) {
  auto last = last_commit(store);
  if (!last) return last.error();
  return HostLease(last->epoch + 1);
}

}  // namespace watchbill::store
