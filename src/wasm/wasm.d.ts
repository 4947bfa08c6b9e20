/** What the build makes of each NAME.wat (scripts/wasm.mjs). */
declare module '*.wasm.js' {
  const bytes: Uint8Array;
  export default bytes;
}

/** What is used of the engine's interface, which belongs to the types of browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: object;
  }
}
