// What a tail handler gets: one TraceItem a run of another Worker, with the classes and properties of workerd. Their
// state is in own properties that cannot be written; what a header or URL hides is shown by getUnredacted() alone.
const parse = JSON.parse;
const define = Object.defineProperty;

function own(target, values) {
  for (const name of Object.keys(values)) {
    define(target, name, { value: values[name], writable: false, enumerable: true, configurable: true });
  }
}

function classOf(name, methods = {}) {
  const make = {
    [name]: class {
      constructor() {
        throw new TypeError('Illegal constructor');
      }
    },
  }[name];
  define(make.prototype, Symbol.toStringTag, { value: name, configurable: true });
  for (const method of Object.keys(methods)) {
    define(make.prototype, method, { value: methods[method], writable: true, enumerable: true, configurable: true });
  }
  return (values) => {
    const made = Object.create(make.prototype);
    own(made, values);
    return made;
  };
}

const hidden = new WeakMap(); // Request -> what it does not show

const request = classOf('Request', {
  getUnredacted() {
    const values = hidden.get(this);
    if (values === undefined) throw new TypeError('Illegal invocation');
    return requestOf(values, {});
  },
});
const response = classOf('Response');
const fetchEventInfo = classOf('FetchEventInfo');
const tailEventInfo = classOf('TailEventInfo');
const tailItem = classOf('TailItem');
const traceLog = classOf('TraceLog');
const traceException = classOf('TraceException');
const traceItem = classOf('TraceItem');

function requestOf({ url, method, headers }, { url: shownUrl, headers: shownHeaders }) {
  const made = request({
    url: shownUrl ?? url, method, headers: { ...headers, ...shownHeaders }, cf: undefined,
  });
  hidden.set(made, { url, method, headers });
  return made;
}

// `redacted` holds what is shown in place of the URL and of some headers.
function eventOf(event) {
  if (event === null) return null;
  if (event.consumedEvents !== undefined) {
    return tailEventInfo({ consumedEvents: event.consumedEvents.map(({ scriptName }) => tailItem({ scriptName })) });
  }
  return fetchEventInfo({
    request: requestOf(event.request, event.request.redacted),
    response: event.response === undefined ? undefined : response(event.response),
  });
}

function itemOf(item) {
  return traceItem({
    wallTime: item.wallTime,
    cpuTime: item.cpuTime,
    truncated: item.truncated,
    executionModel: item.executionModel,
    outcome: item.outcome,
    durableObjectId: undefined,
    preview: undefined,
    tailAttributes: undefined,
    scriptTags: item.scriptTags,
    dispatchNamespace: item.dispatchNamespace,
    scriptVersion: item.scriptVersion,
    entrypoint: item.entrypoint,
    scriptName: item.scriptName,
    diagnosticsChannelEvents: [],
    exceptions: item.exceptions.map(({ stack, name, message, timestamp }) =>
      traceException({ stack, name, message, timestamp })),
    logs: item.logs.map(({ message, level, timestamp }) =>
      traceLog({ errorInfo: undefined, message, level, timestamp })),
    eventTimestamp: item.eventTimestamp,
    event: eventOf(item.event),
  });
}

// `items`: a JSON array.
export function traceItems(items) {
  return parse(items).map(itemOf);
}
