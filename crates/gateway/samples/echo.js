// Sends a body back as it comes, without keeping it; without a body, tells what it knows of the request.
export default {
  async fetch(request) {
    if (request.body) {
      return new Response(request.body, {
        headers: { "content-type": request.headers.get("content-type") ?? "application/octet-stream" },
      });
    }
    const facts = {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
    };
    return new Response(JSON.stringify(facts, null, 2) + "\n", {
      headers: { "content-type": "application/json" },
    });
  },
};
