// Module hooks for node: platform files are ES modules, and the host is the mock.
const platform = new URL('../platform/', import.meta.url).href;

export function resolve(specifier, context, next) {
  if (specifier === 'switchyard:host') {
    return { url: new URL('./mock-host.mjs', import.meta.url).href, format: 'module', shortCircuit: true };
  }
  if (specifier === 'cloudflare:workers') {
    return { url: `${platform}cloudflare-workers.js`, format: 'module', shortCircuit: true };
  }
  if (context.parentURL?.startsWith(platform) && specifier.startsWith('node:')) {
    return { url: `${platform}node/${specifier.slice(5)}.js`, format: 'module', shortCircuit: true };
  }
  if (context.parentURL?.startsWith(platform) || specifier.startsWith('platform:')) {
    const base = specifier.startsWith('platform:') ? platform : context.parentURL;
    return { url: new URL(specifier.replace(/^platform:/, './'), base).href, format: 'module', shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  return next(url, url.startsWith(platform) ? { ...context, format: 'module' } : context);
}
