#include "slack/api/api.hpp"

namespace watchbill::slack {

std::string_view name_of(Priority priority) {
  switch (priority) {
    case Priority::handoff:
      return "handoff";
    case Priority::edit:
      return "edit";
    case Priority::drift:
      return "drift";
    case Priority::background:
      return "background";
  }
  return "unknown";
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::auth_test:
      return "auth.test";
    case Method::usergroups_list:
      return "usergroups.list";
    case Method::usergroups_create:
      return "usergroups.create";
    case Method::usergroups_update:
      return "usergroups.update";
    case Method::usergroups_enable:
      return "usergroups.enable";
    case Method::usergroups_disable:
      return "usergroups.disable";
    case Method::usergroups_users_update:
      return "usergroups.users.update";
    case Method::users_list:
      return "users.list";
    case Method::users_lookup_by_email:
      return "users.lookupByEmail";
    case Method::users_info:
      return "users.info";
    case Method::conversations_list:
      return "conversations.list";
    case Method::conversations_info:
      return "conversations.info";
    case Method::conversations_join:
      return "conversations.join";
    case Method::conversations_open:
      return "conversations.open";
    case Method::conversations_history:
      return "conversations.history";
    case Method::chat_post_message:
      return "chat.postMessage";
    case Method::views_open:
      return "views.open";
    case Method::views_push:
      return "views.push";
    case Method::views_update:
      return "views.update";
    case Method::views_publish:
      return "views.publish";
    case Method::apps_connections_open:
      return "apps.connections.open";
  }
  return "unknown";
}

bool is_write(Method method) {
  switch (method) {
    case Method::usergroups_create:
    case Method::usergroups_update:
    case Method::usergroups_enable:
    case Method::usergroups_disable:
    case Method::usergroups_users_update:
    case Method::conversations_join:
    case Method::conversations_open:
    case Method::chat_post_message:
    case Method::views_open:
    case Method::views_push:
    case Method::views_update:
    case Method::views_publish:
      return true;
    default:
      return false;
  }
}

}  // namespace watchbill::slack
