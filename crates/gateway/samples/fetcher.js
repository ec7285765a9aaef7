// Fetches a public page and answers with its head: ?url=https://example.com/
export default {
  async fetch(request) {
    const url = new URL(request.url).searchParams.get("url") ?? "https://example.com/";
    try {
      const response = await fetch(url);
      const text = await response.text();
      const facts = { url: response.url, status: response.status, characters: text.length };
      return Response.json(facts);
    } catch (error) {
      return Response.json({ url, error: `${error.name}: ${error.message}` }, { status: 502 });
    }
  },
};
