// Who asks: the token that this browser sends.
import { field, form, heading, note, pairs } from './parts.js';
import { h } from './tree.js';

export const views = {
  settings: {
    title: () => 'Settings',
    draw(page) {
      const { app } = page;
      const login = app.login();
      if (login) {
        return [
          heading('Token'),
          note('Requests of this page carry this token. It is kept in this browser until you log out.'),
          pairs([['Accessor', login.AccessorID], ['Description', login.Name]]),
          form(page, [], { saveText: 'Log out', save: async () => app.setLogin(null) }),
        ];
      }
      return [
        heading('Log in'),
        note(app.config.ACLsEnabled
          ? 'Without a token you see what the anonymous token, or that of the agent, may see.'
          : 'Access controls are off on this agent; another datacenter may still ask for a token.'),
        form(page, [
          field('Secret of a token', h('input', { name: 'secret', type: 'password', required: true, autocomplete: 'current-password' }),
            'It is sent as X-Consul-Token and kept in this browser.'),
        ], {
          saveText: 'Log in',
          async save({ secret }) {
            const before = app.login();
            app.setLogin({ SecretID: secret.trim() });
            try {
              app.setLogin(await page.ask('GET', '/v1/acl/token/self'));
            } catch (error) {
              // Where ACLs are off nobody can say whether the token is right.
              if (!/ACL support disabled/.test(error.message)) app.setLogin(before);
              throw error;
            }
            app.go(page.link('services'));
          },
        }),
      ];
    },
  },
};
