#include "config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>

#include <optional>
#include <sstream>

#include "base/text.hpp"

namespace watchbill::config {

namespace {

/// Of everything in a document only where it starts.
class StartOfDocument : public YAML::EventHandler {
 public:
  [[nodiscard]] const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark mark_;
};

Result<std::size_t> count_documents(const std::string& text, const std::string& name) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  StartOfDocument document;
  std::optional<int> last;
  for (std::size_t count = 0;; ++count) {
    if (!parser.HandleNextDocument(document)) return count;
    // The parser stays where it is before what it does not know, and would find documents there for ever.
    if (last == document.mark().pos)
      return fail(ErrorKind::invalid, "{}: no YAML begins like this", place_of(name, document.mark()));
    last = document.mark().pos;
  }
}

}  // namespace

std::string place_of(const std::string& name, const YAML::Mark& mark) {
  return mark.is_null() ? name : fmt::format("{}:{}:{}", name, mark.line + 1, mark.column + 1);
}

Result<YAML::Node> read_yaml(const std::string& text, const std::string& name) {
  if (text.size() > kLongestYaml)
    return fail(ErrorKind::invalid, "{}: is longer than {} bytes", name, kLongestYaml);
  try {
    const auto documents = count_documents(text, name);
    if (!documents) return documents.error();
    if (*documents > 1)
      return fail(ErrorKind::invalid, "{}: has {} YAML documents; one is read", name, *documents);
    return *documents == 0 ? YAML::Node() : YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::invalid, "{}: {}", place_of(name, error.mark), one_line(error.msg));
  }
}

}  // namespace watchbill::config
