#include "cli/setup/pasted_secrets.hpp"

#include <sys/mman.h>

namespace watchbill::cli {

Result<std::string> PastedSecrets::put(const Secret& secret) {
  const auto& file = files_.emplace_back(memfd_create("watchbill-secret", MFD_CLOEXEC));
  if (file.fd() < 0 || !store::write_all(file.fd(), secret.reveal()))
    return store::file_error("keep", "what was pasted");
  return fmt::format("/proc/self/fd/{}", file.fd());
}

}  // namespace watchbill::cli
