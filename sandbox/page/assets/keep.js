// What this browser tab remembers over a reload; without storage nothing, and all works the same.
const PREFIX = "watchbill-sandbox:";

export const tabStore = {
  get(name) {
    try {
      return sessionStorage.getItem(PREFIX + name);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      sessionStorage.setItem(PREFIX + name, value);
    } catch {
      // A private window may refuse it.
    }
  },
};
