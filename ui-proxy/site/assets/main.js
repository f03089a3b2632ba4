// Where the page begins.
import { App } from './app.js';
import * as accessViews from './acls.js';
import * as intentionViews from './intentions.js';
import * as keyViews from './keys.js';
import * as nodeViews from './nodes.js';
import * as serverViews from './servers.js';
import * as serviceViews from './services.js';
import * as settingsViews from './settings.js';

const config = JSON.parse(document.getElementById('config').textContent);
const views = Object.assign({}, ...[accessViews, intentionViews, keyViews, nodeViews, serverViews, serviceViews, settingsViews]
  .map((module) => module.views));

const app = new App({ config, views, root: document.getElementById('app') });
app.start();
