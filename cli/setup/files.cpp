#include "cli/setup/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include "store/files.hpp"

namespace watchbill::cli {

namespace {

constexpr std::string_view kConfigurations = "/etc/watchbill/";
constexpr std::string_view kOnlyOne = "/etc/watchbill/watchbill.yaml";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// "  #bot_token_file: x # why" -> is it about "bot_token_file", at that indent, commented or not?
bool is_about(std::string_view line, std::string_view key, std::size_t indent, bool commented) {
  if (line.size() < indent || line.substr(0, indent).find_first_not_of(' ') != std::string_view::npos)
    return false;
  line.remove_prefix(indent);
  if (commented != line.starts_with('#')) return false;
  if (commented) line.remove_prefix(std::min(line.find_first_not_of("# "), line.size()));
  return line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':';
}

/// One line of a block that ends where something else begins in the first column.
bool ends_block(const std::string& line) {
  return !line.empty() && line[0] != ' ' && line[0] != '#';
}

std::optional<std::size_t> find_line(const std::vector<std::string>& lines, std::size_t from, std::size_t to,
                                     std::string_view key, std::size_t indent) {
  for (const bool commented : {false, true}) {
    for (auto i = from; i < to; ++i) {
      if (is_about(lines[i], key, indent, commented)) return i;
    }
  }
  return std::nullopt;
}

Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode,
                          const std::optional<struct stat>& owner) {
  const auto draft = path + ".new";
  unlink(draft.c_str());
  {
    const store::FileHandle file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file.fd() < 0) return store::file_error("write", path);
    const bool kept = fchmod(file.fd(), mode) == 0 &&
                      (!owner || geteuid() != 0 || fchown(file.fd(), owner->st_uid, owner->st_gid) == 0);
    if (!kept || !store::write_all(file.fd(), text)) {
      const Error error = store::file_error("write", path);
      unlink(draft.c_str());
      return error;
    }
  }
  if (rename(draft.c_str(), path.c_str()) != 0) return store::file_error("write", path);
  store::sync_folder(store::folder_of(path));
  return {};
}

}  // namespace

std::string with_setting(const std::string& text, std::string_view key, std::string_view value) {
  auto lines = lines_of(text);
  const auto dot = key.find('.');
  const auto name = dot == std::string_view::npos ? key : key.substr(dot + 1);
  const std::size_t indent = dot == std::string_view::npos ? 0 : 2;
  std::size_t from = 0;
  std::size_t to = lines.size();
  if (indent > 0) {
    const auto section = find_line(lines, 0, lines.size(), key.substr(0, dot), 0);
    if (!section) {
      lines.emplace_back(std::string(key.substr(0, dot)) + ":");
      from = to = lines.size();
    } else {
      lines[*section] = std::string(key.substr(0, dot)) + ":";
      from = *section + 1;
      to = from;
      while (to < lines.size() && !ends_block(lines[to])) ++to;
    }
  }
  const auto line = fmt::format("{}{}: {}", std::string(indent, ' '), name, value);
  if (const auto found = find_line(lines, from, to, name, indent)) {
    lines[*found] = line;
  } else {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(indent > 0 ? from : to), line);
  }
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

Result<void> put_secret(const std::string& path, const Secret& secret) {
  const auto folder = store::folder_of(path);
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return store::file_error("create the folder", folder);
  return replace_file(path, secret.reveal() + "\n", 0600, std::nullopt);
}

Result<void> write_configuration(const std::string& path, std::string_view text) {
  struct stat is {};
  const bool there = stat(path.c_str(), &is) == 0;
  const auto folder = store::folder_of(path);
  if (!there && mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return store::file_error("create the folder", folder);
  return replace_file(path, text, there ? is.st_mode & 07777U : 0644,
                      there ? std::optional(is) : std::nullopt);
}

std::string secret_path(const std::string& config, std::string_view credential) {
  if (config == kOnlyOne) return fmt::format("/etc/credstore/watchbill.{}", credential);
  if (store::folder_of(config) + "/" == kConfigurations)
    return fmt::format("/etc/credstore/watchbill.{}.{}", std::filesystem::path(config).stem().string(),
                       credential);
  return fmt::format("{}/{}", store::folder_of(config), credential);
}

std::string unit_of(const std::string& config) {
  if (config == kOnlyOne) return "watchbilld";
  if (store::folder_of(config) + "/" != kConfigurations) return "";
  return "watchbilld@" + std::filesystem::path(config).stem().string();
}

}  // namespace watchbill::cli
