#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// JSON through one guarded door (RapidJSON behind it, in one translation unit).
namespace watchbill::json {

class Document;
class Items;

/// A read-only look at one value of a document, or at a place where there is none. Cheap to copy; valid while
/// its document lives. Reading the wrong type is an error value that names the path ("$.oncalls[3].user.id").
class View {
 public:
  View() = default;

  [[nodiscard]] bool exists() const { return node_ != nullptr; }
  /// Missing counts as null.
  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_object() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool is_number() const;
  [[nodiscard]] bool is_bool() const;

  /// The member of that name; a missing one, or a member of something that is no object, does not exist (its
  /// view points to `name`, which must outlive it). Of equal names the first counts.
  View operator[](std::string_view name) const;
  /// Elements of an array or values of an object; empty for anything else.
  [[nodiscard]] Items items() const;
  [[nodiscard]] std::size_t size() const;
  /// Name of this value in its object; empty elsewhere.
  [[nodiscard]] std::string_view key() const { return key_; }

  [[nodiscard]] Result<std::string> string() const;
  [[nodiscard]] Result<std::int64_t> integer() const;
  [[nodiscard]] Result<double> number() const;
  [[nodiscard]] Result<bool> boolean() const;

  [[nodiscard]] std::string string_or(std::string_view fallback) const;
  [[nodiscard]] std::int64_t integer_or(std::int64_t fallback) const;
  [[nodiscard]] bool boolean_or(bool fallback) const;
  /// A non-empty string, or nothing.
  [[nodiscard]] std::optional<std::string> text() const;
  /// An error unless this is an array (or object).
  [[nodiscard]] Result<Items> array() const;
  [[nodiscard]] Result<View> object() const;

  /// "$.a[2].b", found by a walk from the root: for errors.
  [[nodiscard]] std::string path() const;
  /// This value as compact JSON; "null" if it does not exist.
  [[nodiscard]] std::string dump() const;

 private:
  friend class Document;
  friend class Items;
  View(const Document* document, const void* node, std::string_view key)
      : document_(document), node_(node), key_(key) {}
  [[nodiscard]] Error wrong(std::string_view expected) const;

  const Document* document_ = nullptr;
  const void* node_ = nullptr;
  /// For a missing value: the object that should have held it.
  const void* parent_ = nullptr;
  std::string_view key_;
};

/// A range over the children of an array or object.
class Items {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = View;
    using difference_type = std::ptrdiff_t;
    using pointer = const View*;
    using reference = View;
    View operator*() const;
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    friend class Items;
    Iterator(const Items* items, std::size_t index) : items_(items), index_(index) {}
    const Items* items_;
    std::size_t index_;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class View;
  View parent_;
  std::size_t size_ = 0;
};

/// A parsed text. Move-only; views point into it, so keep it alive (and do not move it) while they are used.
class Document {
 public:
  Document();
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  [[nodiscard]] View root() const;

 private:
  friend class View;
  friend Result<Document> parse(std::string_view text);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Parses with an iterative parser, encoding validation, at most 64 levels of nesting, at most 2 million
/// values and numbers converted by `std::from_chars` (RapidJSON's own overflows its stack on deep nesting and
/// aborts on a crafted exponent). Errors are `unreadable` and say at which byte.
Result<Document> parse(std::string_view text);

/// Writes compact JSON. Misuse (a value without its key) is a bug and throws std::logic_error.
class Writer {
 public:
  Writer();
  ~Writer();
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);
  /// Text that is not UTF-8 has its broken bytes replaced (U+FFFD).
  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(const std::string& text) { return value(std::string_view(text)); }
  Writer& value(std::int64_t number);
  Writer& value(int number) { return value(static_cast<std::int64_t>(number)); }
  Writer& value(std::size_t number) { return value(static_cast<std::int64_t>(number)); }
  Writer& value(double number);
  Writer& value(bool flag);
  Writer& null();
  /// The value, or null.
  template <class T>
  Writer& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  /// A value that is JSON already.
  Writer& raw(std::string_view json);
  Writer& value(const std::vector<std::string>& texts);
  /// `key(name).value(v)`
  template <class T>
  Writer& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }

  [[nodiscard]] std::string take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The same JSON with line breaks and two spaces of indentation: for people.
std::string pretty(std::string_view json);

}  // namespace watchbill::json
