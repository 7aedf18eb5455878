#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "cli/commands/rotation_text.hpp"
#include "config/config.hpp"

// libFuzzer target: any bytes are a YAML file of a person's: the configuration, or rotations for
// `watchbill apply`. The first byte picks which. It is read, or refused with a sentence. Longer texts would
// only be slower: yaml-cpp takes time that grows faster than its text.

namespace {

using namespace watchbill;

constexpr std::size_t kLongest = 1024;

/// A file of that content, as long as this lives.
class Content {
 public:
  explicit Content(std::string_view text) : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
    if (fd_ < 0 || write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  }
  ~Content() { close(fd_); }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", fd_); }

 private:
  int fd_;
};

void read_configuration(std::string_view text) {
  const Content file(text);
  config::Sources sources;
  sources.file = file.path();
  sources.environment = [](const std::string&) { return std::optional<std::string>(); };
  const auto config = config::load(sources);
  if (!config && config.error().message.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kLongest) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    read_configuration(text);
  } else {
    const auto rotations = cli::read_rotations(text, "rotations.yaml");
    if (!rotations && rotations.error().message.empty()) std::abort();
  }
  return 0;
}
