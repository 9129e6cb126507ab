export default {
  testMatch: ['<rootDir>/jest/**/*.test.cjs'],
  // Jest's own transform to CommonJS would only cost time: Node takes the modules as they are.
  transform: {},
  moduleFileExtensions: ['js', 'cjs', 'json'],
}
