// The page's one stream (`chat:live`) for pages that look again when something changed. Pages with answers have their own.
const LONGEST_RETRY_MS = 30_000;
const HIDDEN_CLOSE_MS = 10_000;

let heard = null;
let source = null;
let missed = false;
let retryMs = 1000;
let retryTimer = 0;
let hiddenTimer = 0;

// ready(missed): the stream begins; told whether something may have changed while nobody listened.
// feed(detail): something changed. offline(state): whether the connection is lost. The frame hears of it all too.
export function listen(url, { ready, feed, offline }) {
  heard = { url, ready, feed, offline };
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(rest, HIDDEN_CLOSE_MS);
    else if (!source || source.readyState === EventSource.CLOSED) connect();
  });
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && connect());
  connect();
}

function connect() {
  clearTimeout(retryTimer);
  source?.close();
  source = new EventSource(heard.url);
  source.addEventListener("ready", () => {
    retryMs = 1000;
    heard.offline(false);
    heard.ready(missed);
    missed = false;
    document.dispatchEvent(new CustomEvent("playground:ready"));
  });
  source.addEventListener("feed", (event) => {
    const detail = JSON.parse(event.data);
    document.dispatchEvent(new CustomEvent("playground:feed", { detail }));
    heard.feed(detail);
  });
  source.addEventListener("drain", (event) => {
    missed = true;
    source.close();
    later(JSON.parse(event.data).retry_ms);
  });
  source.addEventListener("error", () => {
    missed = true;
    heard.offline(true);
    if (source.readyState !== EventSource.CLOSED) return;
    later(retryMs);
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  });
}

function later(ms) {
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, ms);
}

function rest() {
  missed = true;
  clearTimeout(retryTimer);
  source?.close();
}
