// Answers with a text that is a binding: `env` is how a Worker is configured.
export default {
  async fetch(request, env) {
    return new Response(`${env.GREETING}\n`);
  },
};
