// The Body mixin of the Fetch standard, as a class above Request and Response (workerd has it as a global too).
// It holds nothing: the two keep their bodies themselves, so that making one is a single constructor's work.
import { newBlob } from './blob.js';
import { BUFFER, BYTES, JSON_VALUE, TEXT, consume } from './content.js';
import { tag } from './errors.js';
import { parseFormData } from './formdata.js';
import { publicReadable } from './readable.js';
import { Request, isRequest, requestContent } from './request.js';
import { Response, isResponse, responseContent } from './response.js';

function contentOf(value) {
  if (isResponse(value)) return responseContent(value);
  if (isRequest(value)) return requestContent(value);
  throw new TypeError('Illegal invocation');
}

function read(value, how) {
  try {
    return consume(contentOf(value), how);
  } catch (error) {
    return Promise.reject(error);
  }
}

export class Body {
  get body() {
    const content = contentOf(this);
    return content === null ? null : publicReadable(content.readable());
  }

  get bodyUsed() {
    const content = contentOf(this);
    return content !== null && content.isUsed();
  }

  text() {
    return read(this, TEXT);
  }

  json() {
    return read(this, JSON_VALUE);
  }

  arrayBuffer() {
    return read(this, BUFFER);
  }

  bytes() {
    return read(this, BYTES);
  }

  blob() {
    return read(this, BYTES).then((bytes) => newBlob(bytes, this.headers.get('content-type') ?? ''));
  }

  formData() {
    return read(this, BYTES).then((bytes) => parseFormData(bytes, this.headers.get('content-type')));
  }
}
tag(Body);

for (const message of [Request, Response]) {
  Object.setPrototypeOf(message, Body);
  Object.setPrototypeOf(message.prototype, Body.prototype);
}
