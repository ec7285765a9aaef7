// A Worker in JavaScript that brings its own engine, as a component. It answers like one that Switchyard runs itself;
// it is here for code that needs another engine, or shall run elsewhere too.
addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  const { pathname } = new URL(request.url);
  if (request.method === "POST") {
    return new Response(request.body, { headers: { "content-type": "application/octet-stream" } });
  }
  return new Response(`hello from JavaScript at ${pathname}\n`, { headers: { "content-type": "text/plain" } });
}
