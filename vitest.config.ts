import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`packages/${path}`, import.meta.url))

export default defineConfig({
  // Tests run on the sources, without a build, and on one copy of each class.
  resolve: {
    alias: [
      { find: /^@heddle\/core$/, replacement: source('core/src/index.ts') },
      { find: /^@heddle\/core\/plugin$/, replacement: source('core/src/plugin.ts') },
      { find: /^@heddle\/core\/model$/, replacement: source('core/src/model/index.ts') },
      { find: /^@heddle\/core\/testing$/, replacement: source('core/src/testing.ts') },
      { find: /^@heddle\/(consensus-[a-z]+|gossip|fabric)$/, replacement: source('$1/src/index.ts') },
      { find: /^@heddle\/testkit\/simulator$/, replacement: source('testkit/src/simulator.ts') },
      { find: /^@heddle\/testkit$/, replacement: source('testkit/src/index.ts') },
    ],
  },
  // tsyringe reads constructor types that only the legacy decorator transform emits.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
