// The platform's entry: the one module the base evaluates. It puts the globals in place, registers the callbacks
// for the host's events, exercises itself, and waits for the host to train and freeze it.
import * as host from 'switchyard:host';
import { EVENT_TRAINED } from './abi.js';
import { installCallSites } from './call-sites.js';
import { installCommonJs } from './commonjs.js';
import { forgetCompatibility } from './compatibility.js';
import { installContext } from './context.js';
import { installDispatch, setTraining } from './dispatch.js';
import { forgetEnv, installEnv } from './env.js';
import { install } from './globals.js';
import { mendLanguage } from './language.js';
import { installOps } from './ops.js';
import { forgetPumps, installPumps } from './pump.js';
import { installRejections } from './rejections.js';
import { train, trainingWorker } from './train.js';
import { installWebSockets } from './websocket-ends.js';
import 'cloudflare:sockets';
import 'cloudflare:workers';
import 'cloudflare:workflows';

mendLanguage();
install(globalThis);
installOps();
installRejections();
installPumps();
installContext(forgetPumps);
installEnv();
installDispatch();
installCommonJs();
installWebSockets();
installCallSites();

train();
setTraining(trainingWorker);
host.register(EVENT_TRAINED, () => {
  setTraining(null);
  forgetEnv();
  forgetCompatibility(); // of nobody's Worker: each has its own
});

// Last, so that what each request touches lies together: node modules among it cost a hello a page.
const { installLate } = await import('./late.js');
installLate();
const { installNode } = await import('./node/install.js');
installNode();
