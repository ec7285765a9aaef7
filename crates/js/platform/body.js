// The Body mixin of the Fetch standard, as a class above Request and Response (workerd has it as a global too).
// It holds nothing: the two keep their bodies themselves, so that making one is a single constructor's work.
import { newBlob } from './blob.js';
import { isOn } from './compatibility.js';
import { BUFFER, BYTES, JSON_VALUE, TEXT, consume, refuseUsed } from './content.js';
import { parseFormData, refuseNoType } from './forms.js';
import { illegalInvocation, present } from './idl.js';
import { essenceText } from './mime.js';
import { publicReadable } from './readable.js';
import { Request, isRequest, requestContent } from './request.js';
import { Response, isResponse, responseContent } from './response.js';

function contentOf(value) {
  if (isResponse(value)) return responseContent(value);
  if (isRequest(value)) return requestContent(value);
  throw illegalInvocation();
}

export class Body {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  get body() {
    const content = contentOf(this);
    return content === null ? null : publicReadable(content.readable());
  }

  get bodyUsed() {
    const content = contentOf(this);
    return content !== null && content.isUsed();
  }

  arrayBuffer() {
    return consume(contentOf(this), BUFFER);
  }

  bytes() {
    return consume(contentOf(this), BYTES);
  }

  text() {
    return consume(contentOf(this), TEXT);
  }

  json() {
    return consume(contentOf(this), JSON_VALUE);
  }

  formData() {
    const content = contentOf(this);
    try {
      refuseUsed(content);
      const type = typeOf(this);
      refuseNoType(type);
      return consume(content, BYTES).then((bytes) => parseFormData(bytes, type));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  blob() {
    const content = contentOf(this);
    return consume(content, BYTES).then((bytes) => newBlob(bytes, blobType(typeOf(this) ?? '')));
  }
}
present(Body);

const headersGetters = [Request, Response].map((message) => Object.getOwnPropertyDescriptor(message.prototype, 'headers').get);

function typeOf(message) {
  return Reflect.apply(headersGetters[isRequest(message) ? 0 : 1], message, []).get('content-type');
}

function blobType(type) {
  return isOn('blob_standard_mime_type') ? essenceText(type) : type;
}

for (const message of [Request, Response]) Object.setPrototypeOf(message.prototype, Body.prototype);
