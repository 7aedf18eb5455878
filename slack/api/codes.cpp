#include "slack/api/codes.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace watchbill::slack {

namespace {

using enum ErrorKind;

constexpr std::string_view kReinstall = "reinstall the app and put its new token into {file}";
constexpr std::string_view kAskAdmin = "ask an administrator of the workspace to allow the app";
constexpr std::string_view kOurBug = "this is a bug of Watchbill or a change at Slack: update Watchbill";
constexpr std::string_view kGone = "update Watchbill: Slack has retired this call";
constexpr std::string_view kRetried = "it is tried again";

// docs.slack.dev/reference/methods/…: the error tables of the methods that we call, and codes seen elsewhere.
// Kinds: `unauthorized` and `forbidden` wait for a person, `invalid` and `conflict` for other input,
// `not_found` names an object that is not there, `server` and `rate_limited` pass.
constexpr auto kCodes = std::to_array<CodeMeaning>({
    // The token
    {"user_removed_from_team", unauthorized, "the {token}'s owner was removed from the workspace",
     kReinstall},
    {"team_disabled", unauthorized, "the workspace is deactivated", kAskAdmin},
    {"not_authed", unauthorized, "no token was sent", "check {file}"},
    {"invalid_auth", unauthorized, "Slack does not accept the {token}",
     "check {file} and the app's list of allowed IP addresses"},
    {"account_inactive", unauthorized, "the {token} belongs to a deactivated user or a removed app",
     kReinstall},
    {"token_revoked", unauthorized, "the {token} was revoked", kReinstall},
    {"token_expired", unauthorized, "the {token} has expired", kReinstall},
    {"not_allowed_token_type", unauthorized, "this kind of token cannot make the call",
     "{file} must hold a {token}"},

    // Permission
    {"missing_scope", forbidden, "the {token} lacks a scope",
     "add it to the app's {token} scopes and reinstall the app"},
    {"no_permission", forbidden, "the {token} may not do this", kAskAdmin},
    {"permission_denied", forbidden,
     "the {token} may not edit user groups: the workspace lets only some people",
     "set the workspace's permission for user groups to Everyone, or slack.user_token_file to the token of "
     "someone who may"},
    {"access_denied", forbidden, "access is denied", kAskAdmin},
    {"accesslimited", forbidden, "access to this method is limited", kAskAdmin},
    {"forbidden_team", forbidden, "the app may not connect in this workspace", kAskAdmin},
    {"team_access_not_granted", forbidden, "the app is not installed in this workspace of the organization",
     "add the workspace to the app's installation"},
    {"enterprise_is_restricted", forbidden, "the method cannot be called from an Enterprise organization",
     kAskAdmin},
    {"ekm_access_denied", forbidden, "an administrator has suspended access (Enterprise Key Management)",
     kAskAdmin},
    {"org_login_required", forbidden, "the workspace is moving into an organization",
     "wait until it has moved"},
    {"two_factor_setup_required", forbidden, "the {token}'s owner must set up two-factor login",
     "set it up in Slack"},
    {"app_access_restricted", forbidden, "the app is restricted", kAskAdmin},
    {"paid_teams_only", forbidden, "user groups need a paid Slack plan", "upgrade the workspace"},
    {"plan_upgrade_required", forbidden, "the workspace's plan does not include this",
     "upgrade the workspace"},

    // How the request was made
    {"insecure_request", invalid, "Slack refused how the request was made", kOurBug},
    {"missing_args", invalid, "an argument is missing", kOurBug},
    {"invalid_arguments", invalid, "Slack refused the arguments", kOurBug},
    {"missing_argument", invalid, "an argument is missing", kOurBug},
    {"invalid_arg_name", invalid, "an argument has a wrong name", kOurBug},
    {"invalid_array_arg", invalid, "a list was sent in a form that Slack refuses", kOurBug},
    {"invalid_charset", invalid, "the request's character set was refused", kOurBug},
    {"invalid_form_data", invalid, "the request's form was refused", kOurBug},
    {"invalid_post_type", invalid, "the request's content type was refused", kOurBug},
    {"missing_post_type", invalid, "the request had no content type", kOurBug},
    {"invalid_json", invalid, "the request was no valid JSON", kOurBug},
    {"json_not_object", invalid, "the request was no JSON object", kOurBug},
    {"invalid_cursor", invalid, "the place in the list has expired", "start the list again"},
    {"limit_required", invalid, "the list is too long for one answer", kOurBug},
    {"deprecated_endpoint", invalid, "the method is no longer there", kGone},
    {"method_deprecated", invalid, "the method is no longer there", kGone},
    {"unknown_method", invalid, "Slack does not know the method", "check slack.api_url"},

    // Passing
    {"ratelimited", rate_limited, "Slack asks us to wait"},
    {"rate_limited", rate_limited, "Slack asks us to wait"},
    {"message_limit_exceeded", rate_limited, "the workspace sends too many messages"},
    {"request_timeout", server, "Slack did not get the whole request in time", kRetried, true},
    {"service_unavailable", server, "Slack is not available", kRetried, true},
    {"internal_error", server, "Slack failed", kRetried, true},
    {"fatal_error", server, "Slack failed", kRetried, true},
    {"team_added_to_org", server, "the workspace is moving into an organization", kRetried},

    // User groups
    {"no_such_subteam", not_found, "there is no such user group", "choose another group for the rotation"},
    {"no_users_provided", invalid, "a user group cannot be emptied", "disable the group instead"},
    {"invalid_users", invalid, "someone on the list cannot be a member of a user group",
     "look for deactivated people among the members", true},
    {"invalid_user", invalid, "someone on the list (a guest, a bot?) cannot be a member of a user group",
     "map the person to a full member of the workspace", true},
    {"single_channel_guests_cannot_be_added", invalid, "a guest cannot be a member of a user group",
     "map the person to a full member of the workspace", true},
    {"failed_for_some_users", invalid, "someone on the list is not of this workspace",
     "map the person to a member of this workspace", true},
    {"subteam_max_users_exceeded", invalid, "the user group would have too many members",
     "use fewer schedules in one rotation"},
    {"missing_subteam_name", invalid, "the user group needs a name", "give it a name"},
    {"name_too_long", invalid, "the user group's name is too long", "choose a shorter one"},
    {"name_already_exists", conflict, "another user group has this name", "choose another name"},
    {"bad_handle", invalid, "Slack does not accept the handle",
     "use lower-case letters, digits, '-' and '_'; if it has more than 21, fewer of them"},
    {"forbidden_handle", invalid, "the handle is reserved by Slack", "choose another handle"},
    {"handle_already_exists", conflict, "a user group, channel or person has this handle already",
     "choose another handle, or use the group that has it"},
    {"description_too_long", invalid, "the user group's description is too long", "choose a shorter one"},
    {"invalid_channel_provided", invalid, "a default channel of the group is not valid",
     "check its channels"},
    {"invalid_group_provided", invalid, "a default channel of the group is not valid", "check its channels"},
    {"too_many_linked_channels", invalid, "the group has too many default channels", "keep at most 100"},
    {"invalid_team", invalid, "Slack does not know the workspace", "install the app in this workspace"},
    {"target_team_not_on_org", forbidden, "the workspace is not in the app's organization",
     "install the app in this workspace"},
    {"target_team_must_be_specified_in_org_context", forbidden, "the {token} is for a whole organization",
     "install the app in the workspace whose groups are to be kept (on the app's page, Install App, choose "
     "the workspace and not the organization), and put that bot token into {file}"},

    // People
    {"users_not_found", not_found, "nobody active has this e-mail address",
     "invite the person or map the responder to a Slack user"},
    {"user_not_found", not_found, "there is no such user", "map the responder to another Slack user"},
    {"user_not_visible", not_found, "the app may not see this user",
     "map the responder to another Slack user"},
    {"user_disabled", not_found, "the user is deactivated", "map the responder to another Slack user"},
    {"users_list_not_supplied", invalid, "no user was named", kOurBug},
    {"not_enough_users", invalid, "no other user was named", "name somebody else than the app itself"},
    {"too_many_users", invalid, "too many users were named", kOurBug},

    // Channels
    {"channel_not_found", not_found, "there is no such channel, or it is private and the bot is not in it",
     "check the channel's id, or invite the bot with /invite"},
    {"not_in_channel", forbidden, "the bot is not in the channel", "invite it there with /invite"},
    {"user_not_in_channel", forbidden, "the person is not in the channel", "invite the person with /invite"},
    {"is_archived", forbidden, "the channel is archived", "unarchive it or choose another channel"},
    {"method_not_supported_for_channel_type", forbidden, "a bot cannot join a private channel by itself",
     "invite it there with /invite"},
    {"channel_is_limited_access", forbidden, "only some people may use the channel",
     "choose another channel"},
    {"too_many_members", forbidden, "the channel is full", "choose another channel"},
    {"user_is_restricted", forbidden, "a guest may not do this", kAskAdmin},
    {"team_not_found", not_found, "Slack does not know the workspace", "name the channel by its id"},
    {"invalid_ts_oldest", invalid, "the start of the history was refused", kOurBug},
    {"invalid_ts_latest", invalid, "the end of the history was refused", kOurBug},
    {"too_long", invalid, "the topic is too long", "keep it below 250 characters"},

    // Messages
    {"no_text", invalid, "the message has no text", "check the template"},
    {"msg_too_long", invalid, "the message is too long", "shorten the template"},
    {"msg_blocks_too_long", invalid, "the message is too long", "shorten the template"},
    {"invalid_blocks", invalid, "Slack refused the message's blocks", kOurBug},
    {"invalid_blocks_format", invalid, "Slack refused the message's blocks", kOurBug},
    {"markdown_text_conflict", invalid, "the message has two texts", kOurBug},
    {"invalid_metadata_format", invalid, "Slack refused the message's metadata", kOurBug},
    {"invalid_metadata_schema", invalid, "Slack refused the message's metadata", kOurBug},
    {"metadata_too_large", invalid, "the message's metadata is too large", kOurBug},
    {"metadata_must_be_sent_from_app", invalid, "only an app's token may send metadata",
     "{file} must hold the app's {token}"},
    {"too_many_attachments", invalid, "the message has too many attachments", kOurBug},
    {"attachment_payload_limit_exceeded", invalid, "the message is too long", "shorten the template"},
    {"duplicate_message_not_found", invalid, "Slack took the message for a repeated one", kOurBug},
    {"duplicate_channel_not_found", invalid, "Slack took the message for a repeated one", kOurBug},
    {"cannot_reply_to_message", forbidden, "this message cannot be replied to", "post outside the thread"},
    {"messages_tab_disabled", forbidden, "the app takes no direct messages",
     "switch on the Messages tab in the app's settings"},
    {"restricted_action", forbidden, "a rule of the workspace keeps the bot from posting there",
     "ask an administrator to let the app post in the channel"},
    {"message_not_found", not_found, "the message is gone"},
    {"cant_update_message", forbidden, "only its author may change the message"},
    {"cant_delete_message", forbidden, "only its author may delete the message"},
    {"edit_window_closed", forbidden, "the message is too old to change"},
    {"is_inactive", forbidden, "the message belongs to an inactive thread"},
    {"update_failed", server, "Slack could not change the message", kRetried, true},

    // Views and bookmarks
    {"not_found", not_found, "there is no such view"},
    {"view_not_found", not_found, "there is no such view"},
    {"hash_conflict", conflict, "the view has changed meanwhile", "open it again"},
    {"duplicate_external_id", conflict, "the view is there already", "open it again"},
    {"view_too_large", invalid, "the view is too large", kOurBug},
    {"not_enabled", forbidden, "the app's Home tab is switched off", "switch it on in the app's settings"},
    {"missing_profile_id", invalid, "the user's profile is not there yet", "try again later"},
    {"expired_trigger_id", invalid, "the click is too old", "click again"},
    {"trigger_expired", invalid, "the click is too old", "click again"},
    {"exchanged_trigger_id", invalid, "the click was used already", "click again"},
    {"trigger_exchanged", invalid, "the click was used already", "click again"},
    {"invalid_trigger", invalid, "the click is not valid", "click again"},
    {"invalid_trigger_id", invalid, "the click is not valid", "click again"},
    {"push_limit_reached", invalid, "too many views are open on top of each other", "close one"},
    {"invalid_bookmark_type", invalid, "the bookmark's type was refused", kOurBug},
    {"invalid_link", invalid, "the link was refused", "check the link"},
    {"invalid_emoji", invalid, "the emoji was refused", "choose another emoji"},
    {"expired_url", not_found, "the address to answer to has expired", "give the command again"},
    {"used_url", not_found, "the address to answer to was used up", "give the command again"},
    {"too_many_bookmarks", forbidden, "the channel has 100 bookmarks already", "remove one"},
});

}  // namespace

const CodeMeaning* find_code(std::string_view code) {
  if (code.starts_with("restricted_action_")) code = "restricted_action";
  const auto row = std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& c) { return c.code == code; });
  return row == kCodes.end() ? nullptr : &*row;
}

}  // namespace watchbill::slack
