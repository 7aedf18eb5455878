#pragma once

#include <list>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "store/files.hpp"

namespace watchbill::cli {

/// Secrets that a person pasted, as files without a name in any folder: a command that reads a secret from a
/// file is given such a path. They go with this object.
class PastedSecrets {
 public:
  /// The path under which this process and its children read the secret.
  Result<std::string> put(const Secret& secret);

 private:
  std::list<store::FileHandle> files_;
};

}  // namespace watchbill::cli
