#pragma once

#include <event2/buffer.h>
#include <event2/event.h>

#include <memory>

/// libevent's handles, each freed by its owner. For the sources of net/ and sandbox/ that speak to libevent.
namespace watchbill::net {

struct FreeLibevent {
  void operator()(event_base* base) const { event_base_free(base); }
  void operator()(event* one) const { event_free(one); }
  void operator()(evbuffer* buffer) const { evbuffer_free(buffer); }
};

using EventBasePtr = std::unique_ptr<event_base, FreeLibevent>;
using EventPtr = std::unique_ptr<event, FreeLibevent>;
using EvbufferPtr = std::unique_ptr<evbuffer, FreeLibevent>;

}  // namespace watchbill::net
