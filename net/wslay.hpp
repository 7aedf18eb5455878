#pragma once

#include <wslay/wslay.h>

#include <memory>
#include <type_traits>

// wslay's handles for C++: WebSocket frames, from either side.

namespace watchbill::net {

struct FreeWslay {
  void operator()(wslay_event_context_ptr context) const { wslay_event_context_free(context); }
};
using WslayPtr = std::unique_ptr<std::remove_pointer_t<wslay_event_context_ptr>, FreeWslay>;

}  // namespace watchbill::net
