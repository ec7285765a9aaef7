// The module `cloudflare:workflows`: the error by which a step says that it need not be tried again.
export class NonRetryableError extends Error {
  constructor(message, name = 'NonRetryableError') {
    super(message);
    this.name = name;
  }
}
