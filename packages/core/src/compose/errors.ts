import { errorFamily } from '../model/errors.ts'

/** A plugin that cannot be used. None of its code beyond the module's own has run. */
export class PluginError extends errorFamily('PluginError', {
  PLUGIN_NOT_FOUND: {
    duty: 'fix-config',
    meaning: 'No built-in plugin has the name, and no package or file is found under it from the folder of the configuration.',
  },
  PLUGIN_LOAD_FAILED: { duty: 'fix-config', meaning: "The plugin's module was found but failed to load; the cause tells why." },
  PLUGIN_INVALID: {
    duty: 'fix-config',
    meaning: 'What the module exports is no plugin: an object with name, provides, api, capabilities and create.',
  },
  PLUGIN_WRONG_KIND: { duty: 'fix-config', meaning: 'The plugin provides something else than the place where it is used needs.' },
  PLUGIN_WRONG_API: {
    duty: 'fix-config',
    meaning:
      'The plugin was made for another version of the plugin interface; install matching versions of it and of @heddle/core.',
  },
  PLUGIN_BAD_OPTIONS: {
    duty: 'fix-config',
    meaning: "The options do not match the plugin's schema; each problem names its path.",
  },
  PLUGIN_NOT_SUITED: {
    duty: 'fix-config',
    meaning: 'The plugin declares that it cannot do what the network asks, such as to run with this many ordering nodes.',
  },
  PLUGIN_CREATE_FAILED: { duty: 'fix-config', meaning: 'The plugin threw when it was created; the cause tells why.' },
}) {}

/** Wrong use of a network. */
export class NetworkError extends errorFamily('NetworkError', {
  NETWORK_STOPPED: { duty: 'fix-input', meaning: 'The network was stopped; create another one.' },
  NETWORK_UNKNOWN_NAME: {
    duty: 'fix-input',
    meaning: 'The network has no organisation, node, channel or identity of that name; the message has the nearest right one.',
  },
  NETWORK_NOT_IN_MEMORY: { duty: 'fix-input', meaning: 'Snapshots are for networks in memory with memory state.' },
  NETWORK_CHAINCODE_NOT_DEPLOYED: {
    duty: 'fix-input',
    meaning: 'A chaincode definition was not approved or committed; the cause tells why.',
  },
  NETWORK_NOT_PREPARED: {
    duty: 'fix-config',
    meaning:
      'The data folder lacks what a process of its own needs: its part of the identities, or the public part. Run prepareNetwork once, and copy `public` and the folder of the node.',
  },
  NETWORK_NOT_HERE: {
    duty: 'fix-input',
    meaning: 'What was asked for needs a node, a key or a ledger that this process does not have; ask the process that has it.',
  },
  NETWORK_PORT_UNAVAILABLE: {
    duty: 'fix-config',
    meaning: 'The port for metrics and health is taken or not allowed; choose another one.',
  },
  NETWORK_DATA_CORRUPT: {
    duty: 'tell-operator',
    meaning: "A file of the network's own in the data folder cannot be read; restore it, or remove the folder to begin anew.",
  },
}) {}
