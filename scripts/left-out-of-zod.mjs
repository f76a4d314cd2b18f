/** Stands in the functions' bundles for zod's writers of JSON Schema (scripts/bundles.ts says why). zod asks for a method of each schema when it makes the schema. */
function leftOut() {
  throw new Error('the writers of JSON Schema are left out of the bundles, see scripts/bundles.ts');
}

export const createToJSONSchemaMethod = () => leftOut;
export const createStandardJSONSchemaMethod = () => leftOut;
export const toJSONSchema = leftOut;

// Imported by name from each other, so that they must be there.
export {
  leftOut as allProcessors,
  leftOut as extractDefs,
  leftOut as finalize,
  leftOut as initializeContext,
  leftOut as handleUnrepresentable,
  leftOut as processSchema,
};
