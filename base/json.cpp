#include "base/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

// A broken assertion of RapidJSON must not end the process.
#define RAPIDJSON_ASSERT(x) ((x) ? static_cast<void>(0) : throw std::logic_error("RapidJSON: " #x))
#define RAPIDJSON_ASSERT_THROWS
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "base/text.hpp"

namespace watchbill::json {

namespace {

using Value = rapidjson::Value;
using rapidjson::SizeType;

constexpr std::size_t kMaxDepth = 64;
/// Bounds what a hostile answer can make of us: a value takes 16 to 32 bytes here but as little as 2 in the
/// text. An honest answer of 16 MB has fewer than a million.
constexpr std::size_t kMaxValues = 2'000'000;
/// What a document takes from the heap at a time: values take about three times their text.
constexpr std::size_t kSmallestPool = 256;
constexpr std::size_t kLargestPool = 65536;
/// Longer names are cut in paths, which end up in messages.
constexpr std::size_t kMaxNameInPath = 60;

/// Power of ten of the first significant digit of a JSON number; tells overflow from underflow.
std::int64_t decimal_magnitude(std::string_view number) {
  constexpr std::int64_t kLimit = 1'000'000'000;
  std::int64_t magnitude = -1;
  bool significant = false;
  bool fraction = false;
  std::size_t i = number.starts_with('-') ? 1 : 0;
  for (; i < number.size() && number[i] != 'e' && number[i] != 'E'; ++i) {
    if (number[i] == '.') {
      fraction = true;
      continue;
    }
    significant = significant || number[i] != '0';
    if (!fraction && significant) ++magnitude;
    if (fraction && !significant) --magnitude;
  }
  if (i == number.size()) return magnitude;
  ++i;
  const bool minus = number[i] == '-';
  if (minus || number[i] == '+') ++i;
  std::int64_t exponent = 0;
  for (; i < number.size() && exponent < kLimit; ++i) exponent = exponent * 10 + (number[i] - '0');
  return magnitude + (minus ? -exponent : exponent);
}

/// Builds the document from the reader's events, within our limits.
class Builder {
 public:
  explicit Builder(rapidjson::Document& document) : document_(document) {}

  // NOLINTBEGIN(readability-identifier-naming): the reader calls its handler by these names
  bool Null() { return count() && document_.Null(); }
  bool Bool(bool flag) { return count() && document_.Bool(flag); }
  bool RawNumber(const char* text, SizeType length, bool) { return count() && number({text, length}); }
  bool String(const char* text, SizeType length, bool copy) {
    return count() && whole_characters({text, length}) && document_.String(text, length, copy);
  }
  bool Key(const char* text, SizeType length, bool copy) {
    return whole_characters({text, length}) && document_.Key(text, length, copy);
  }
  bool StartObject() { return enter() && document_.StartObject(); }
  bool EndObject(SizeType members) { return leave() && document_.EndObject(members); }
  bool StartArray() { return enter() && document_.StartArray(); }
  bool EndArray(SizeType elements) { return leave() && document_.EndArray(elements); }
  // The reader's template names these; with numbers as strings it never calls them.
  bool Int(int number) { return document_.Int(number); }
  bool Uint(unsigned number) { return document_.Uint(number); }
  bool Int64(std::int64_t number) { return document_.Int64(number); }
  bool Uint64(std::uint64_t number) { return document_.Uint64(number); }
  bool Double(double number) { return document_.Double(number); }
  // NOLINTEND(readability-identifier-naming)

  /// Why this builder stopped the reader; empty if it did not.
  [[nodiscard]] const char* refusal() const { return refusal_; }

 private:
  bool refuse(const char* why) {
    refusal_ = why;
    return false;
  }
  /// RapidJSON turns the escape of a lone low surrogate into three bytes that are not UTF-8.
  bool whole_characters(std::string_view text) {
    for (auto at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
      if (static_cast<unsigned char>(text[at + 1]) > 0x9F) return refuse("half of a surrogate pair");
    }
    return true;
  }
  bool count() { return ++values_ <= kMaxValues || refuse("too many values"); }
  bool enter() {
    if (++depth_ > kMaxDepth) return refuse("nested too deeply");
    return count();
  }
  bool leave() {
    --depth_;
    return true;
  }
  bool number(std::string_view text) {
    const char* const end = text.data() + text.size();
    if (text.find_first_of(".eE") == std::string_view::npos) {
      std::int64_t whole = 0;
      if (std::from_chars(text.data(), end, whole).ec == std::errc{}) return document_.Int64(whole);
    }
    double real = 0;
    const auto read = std::from_chars(text.data(), end, real);
    if (read.ec == std::errc::result_out_of_range) {
      if (decimal_magnitude(text) >= 0) return refuse("number too big");
      real = 0;
    } else if (read.ec != std::errc{} || read.ptr != end) {
      return refuse("not a number");
    }
    return document_.Double(real + 0.0);  // no negative zero: "-0" reads as an integer
  }

  rapidjson::Document& document_;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
  const char* refusal_ = "";
};

/// What `rapidjson::Document::Populate` calls to be filled.
struct Generator {
  std::string_view text;
  rapidjson::ParseResult result{};
  std::string_view refusal{};
  std::size_t read = 0;

  bool operator()(rapidjson::Document& document) {
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
    Builder builder(document);
    rapidjson::Reader reader;
    rapidjson::MemoryStream stream(text.data(), text.size());
    // The reader looks at each character by itself, which takes longer than all the rest: only where it is
    // needed to say which one is broken.
    result = is_utf8(text) ? reader.Parse<kFlags>(stream, builder)
                           : reader.Parse<kFlags | rapidjson::kParseValidateEncodingFlag>(stream, builder);
    refusal = builder.refusal();
    read = stream.Tell();
    return !result.IsError();
  }
};

const Value& value_at(const void* node) {
  return *static_cast<const Value*>(node);
}

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::string_view kind_of(const void* node) {
  if (!node) return "nothing";
  switch (value_at(node).GetType()) {
    case rapidjson::kNullType:
      return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return "a boolean";
    case rapidjson::kObjectType:
      return "an object";
    case rapidjson::kArrayType:
      return "an array";
    case rapidjson::kStringType:
      return "a string";
    case rapidjson::kNumberType:
      return "a number";
  }
  return "something";
}

/// Extends `path` by a member's name: ".name", or `["strange name"]`.
void append_name(std::string& path, std::string_view name) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  const auto shown = name.substr(0, kMaxNameInPath);
  if (!name.empty() && shown.find_first_not_of(kPlain) == std::string_view::npos) {
    path.append(".").append(shown);
  } else {
    path.append("[").append(Writer().value(shown).take()).append("]");
  }
}

/// Extends `path` from `at` to `wanted`; false, with `path` unchanged, if it is not below.
bool walk(const Value& at, const Value* wanted, std::string& path) {
  if (&at == wanted) return true;
  const auto length = path.size();
  if (at.IsArray()) {
    for (SizeType i = 0; i < at.Size(); ++i) {
      if (&at[i] != wanted && !at[i].IsArray() && !at[i].IsObject()) continue;
      path.append("[").append(std::to_string(i)).append("]");
      if (walk(at[i], wanted, path)) return true;
      path.resize(length);
    }
  } else if (at.IsObject()) {
    for (auto member = at.MemberBegin(); member != at.MemberEnd(); ++member) {
      const auto& child = member->value;
      if (&child != wanted && !child.IsArray() && !child.IsObject()) continue;
      append_name(path, text_of(member->name));
      if (walk(child, wanted, path)) return true;
      path.resize(length);
    }
  }
  return false;
}

void write(const Value& value, Writer& to) {
  switch (value.GetType()) {
    case rapidjson::kNullType:
      to.null();
      break;
    case rapidjson::kFalseType:
      to.value(false);
      break;
    case rapidjson::kTrueType:
      to.value(true);
      break;
    case rapidjson::kStringType:
      to.value(text_of(value));
      break;
    case rapidjson::kNumberType:
      if (value.IsInt64()) {
        to.value(value.GetInt64());
      } else {
        to.value(value.GetDouble());
      }
      break;
    case rapidjson::kArrayType:
      to.begin_array();
      for (const auto& element : value.GetArray()) write(element, to);
      to.end_array();
      break;
    case rapidjson::kObjectType:
      to.begin_object();
      for (const auto& member : value.GetObject()) {
        to.key(text_of(member.name));
        write(member.value, to);
      }
      to.end_object();
      break;
  }
}

}  // namespace

/// A store's rows are many small documents: each with the 64 KiB that RapidJSON takes first would cost more
/// than reading them.
struct Document::Impl {
  explicit Impl(std::size_t text_bytes)
      : memory(std::clamp(3 * text_bytes, kSmallestPool, kLargestPool)), value(&memory) {}
  rapidjson::MemoryPoolAllocator<> memory;
  rapidjson::Document value;
};

Document::Document() : impl_(std::make_unique<Impl>(0)) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

View Document::root() const {
  // A document that was moved from has no root.
  return impl_ ? View(this, static_cast<const Value*>(&impl_->value), {}) : View();
}

Result<Document> parse(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const std::size_t skipped = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  text.remove_prefix(skipped);
  Document document;
  document.impl_ = std::make_unique<Document::Impl>(text.size());
  Generator generator{text};
  document.impl_->value.Populate(generator);
  if (generator.result.IsError()) {
    const std::string_view why =
        generator.refusal.empty() ? rapidjson::GetParseError_En(generator.result.Code()) : generator.refusal;
    return fail(ErrorKind::unreadable, "not usable JSON at byte {}: {}", skipped + generator.result.Offset(),
                why.substr(0, why.find_last_not_of('.') + 1));
  }
  // The reader takes a NUL byte for the end of the text.
  if (generator.read != text.size()) {
    return fail(ErrorKind::unreadable, "not usable JSON at byte {}: NUL", skipped + generator.read);
  }
  return document;
}

bool View::is_null() const {
  return !node_ || value_at(node_).IsNull();
}
bool View::is_object() const {
  return node_ && value_at(node_).IsObject();
}
bool View::is_array() const {
  return node_ && value_at(node_).IsArray();
}
bool View::is_string() const {
  return node_ && value_at(node_).IsString();
}
bool View::is_number() const {
  return node_ && value_at(node_).IsNumber();
}
bool View::is_bool() const {
  return node_ && value_at(node_).IsBool();
}

View View::operator[](std::string_view name) const {
  // Below something that is missing, the first that is missing stays the one to name.
  if (!node_) return *this;
  if (is_object()) {
    const auto& object = value_at(node_);
    for (auto member = object.MemberBegin(); member != object.MemberEnd(); ++member) {
      if (text_of(member->name) == name) {
        return {document_, static_cast<const Value*>(&member->value), text_of(member->name)};
      }
    }
  }
  View missing(document_, nullptr, name);
  missing.parent_ = node_;
  return missing;
}

Items View::items() const {
  Items items;
  items.parent_ = *this;
  items.size_ = size();
  return items;
}

std::size_t View::size() const {
  if (is_array()) return value_at(node_).Size();
  return is_object() ? value_at(node_).MemberCount() : 0;
}

View Items::Iterator::operator*() const {
  const auto& parent = value_at(items_->parent_.node_);
  const auto index = static_cast<SizeType>(index_);
  if (parent.IsArray()) return {items_->parent_.document_, static_cast<const Value*>(&parent[index]), {}};
  const auto& member = *(parent.MemberBegin() + static_cast<std::ptrdiff_t>(index_));
  return {items_->parent_.document_, static_cast<const Value*>(&member.value), text_of(member.name)};
}

Error View::wrong(std::string_view expected) const {
  return fail(ErrorKind::unreadable, "expected {} at {}, found {}", expected, path(), kind_of(node_));
}

Result<std::string> View::string() const {
  if (!is_string()) return wrong("a string");
  return std::string(text_of(value_at(node_)));
}

Result<std::int64_t> View::integer() const {
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it a double skips integers
  if (!is_number()) return wrong("an integer");
  const auto& value = value_at(node_);
  if (value.IsInt64()) return value.GetInt64();
  const double real = value.GetDouble();
  if (std::abs(real) > kExact || std::trunc(real) != real) return wrong("an integer");
  return static_cast<std::int64_t>(real);
}

Result<double> View::number() const {
  if (!is_number()) return wrong("a number");
  return value_at(node_).GetDouble();
}

Result<bool> View::boolean() const {
  if (!is_bool()) return wrong("true or false");
  return value_at(node_).GetBool();
}

std::string View::string_or(std::string_view fallback) const {
  return std::string(is_string() ? text_of(value_at(node_)) : fallback);
}

std::int64_t View::integer_or(std::int64_t fallback) const {
  return is_number() ? integer().value_or(fallback) : fallback;
}

bool View::boolean_or(bool fallback) const {
  return is_bool() ? value_at(node_).GetBool() : fallback;
}

std::optional<std::string> View::text() const {
  if (!is_string() || value_at(node_).GetStringLength() == 0) return std::nullopt;
  return std::string(text_of(value_at(node_)));
}

Result<Items> View::array() const {
  if (!is_array()) return wrong("an array");
  return items();
}

Result<View> View::object() const {
  if (!is_object()) return wrong("an object");
  return *this;
}

std::string View::path() const {
  std::string path = "$";
  const void* const known = node_ ? node_ : parent_;
  if (!document_ || !document_->impl_ || !known) return path;
  walk(document_->impl_->value, static_cast<const Value*>(known), path);
  if (!node_) append_name(path, key_);
  return path;
}

std::string View::dump() const {
  if (!node_) return "null";
  Writer writer;
  write(value_at(node_), writer);
  return writer.take();
}

}  // namespace watchbill::json
