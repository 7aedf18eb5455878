#pragma once

#include <cstdint>

#include "store/store.hpp"

namespace watchbill::store {

/// The right to write outside (groups, posts, renewed tokens) and to record what was decided of that.
class Lease {
 public:
  virtual ~Lease() = default;
  /// Grows with every holder that records something; at least 1.
  [[nodiscard]] virtual std::int64_t epoch() const = 0;
};

/// The lease of the one host whose disk has the store: of the process that holds the `WriterLock`, until it
/// ends. It never ends by time.
class HostLease final : public Lease {
 public:
  /// Begins the next epoch, which the store knows with the first commit. The caller holds the `WriterLock`.
  static Result<HostLease> begin(Store& store);
  [[nodiscard]] std::int64_t epoch() const override { return epoch_; }

 private:
  explicit HostLease(std::int64_t epoch) : epoch_(epoch) {}
  std::int64_t epoch_;
};

}  // namespace watchbill::store
