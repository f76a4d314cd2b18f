/*
 * Who may import whom: functions, cli → runtime → app, gitlab, otc, config → core. `npm run check` runs it through scripts/check-imports.ts.
 * The core's purity beyond imports is Biome's business (biome.json).
 */

const ADAPTERS = '^lib/(gitlab|otc|config|http)/';
const values = { dependencyTypesNot: ['type-only'] };

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'core-imports-itself',
      comment: 'lib/core is pure; croner is the one library it needs',
      severity: 'error',
      from: { path: '^lib/core/' },
      to: { pathNot: ['^lib/core/', '^node_modules/croner/'] },
    },
    {
      name: 'app-knows-ports-only',
      comment: 'use cases know the outside only as ports',
      severity: 'error',
      from: { path: '^lib/app/' },
      to: { pathNot: ['^lib/app/', '^lib/core/', '^node_modules/(p-map|zod)/', '^(node:)?(buffer|crypto)$'] },
    },
    {
      name: 'adapters-import-core',
      comment: 'an adapter knows the core, the HTTP room, itself, and the types of ports and settings; not another adapter',
      severity: 'error',
      from: { path: ADAPTERS },
      to: {
        path: '^(lib|functions|cli|cloud-init)/',
        pathNot: ['^lib/$1/', '^lib/core/', '^lib/http/', '^lib/signals/', '^lib/app/(ports/|settings[.]ts$)'],
      },
    },
    {
      name: 'adapters-import-types-of-app',
      comment: 'ports and settings are types to an adapter: no code of the use cases comes along',
      severity: 'error',
      from: { path: ADAPTERS },
      to: { path: '^lib/app/', ...values },
    },
    {
      name: 'templates-import-types',
      comment: 'cloud-init renders what it is given; of the pure core it may use constants',
      severity: 'error',
      from: { path: '^cloud-init/' },
      to: { path: '^(lib|functions|cli|sandbox)/', pathNot: '^lib/core/', ...values },
    },
    {
      name: 'adapters-are-built-in-compose',
      comment: 'elsewhere the runtime uses only what no client hides behind: parsing and verifying a hook, and keys',
      severity: 'error',
      from: { path: '^lib/runtime/', pathNot: '^lib/runtime/compose(-webhook)?[.]ts$' },
      to: { path: '^lib/(gitlab|otc)/', pathNot: ['^lib/gitlab/hooks/(parse|verify)[.]ts$', '^lib/otc/credentials[.]ts$'] },
    },
    {
      name: 'runtime-is-below-the-entry-points',
      severity: 'error',
      from: { path: '^lib/runtime/' },
      to: { path: '^(functions|cli)/' },
    },
    {
      name: 'functions-only-compose',
      comment: 'a few lines each, over lib/runtime',
      severity: 'error',
      from: { path: '^functions/' },
      to: { path: '^', pathNot: '^lib/runtime/' },
    },
    {
      name: 'webhook-starts-fast',
      comment: 'an HTTP library, a GitLab client or a YAML parser would double its cold start',
      severity: 'error',
      from: { path: '^functions/webhook[.]ts$' },
      to: { path: '^node_modules/(got|@gitbeaker|yaml|smol-toml|hono|commander)/', reachable: true },
    },
    {
      name: 'functions-start-without-yaml',
      comment: 'scaler.yml is compiled to JSON when the functions are built',
      severity: 'error',
      from: { path: '^functions/' },
      to: { path: '^node_modules/(yaml|hono|@hono|commander|cli-table3|graphql|fast-xml-parser)/', reachable: true },
    },
    {
      name: 'sandbox-libraries',
      comment: 'what only the sandbox needs would make the bundles of the functions larger',
      severity: 'error',
      from: { pathNot: '^(sandbox/|node_modules/)' },
      to: { path: '^node_modules/(graphql|fast-xml-parser|@hono)/' },
    },
    {
      name: 'no-sandbox-in-production',
      severity: 'error',
      from: { path: '^(lib|functions|cloud-init)/' },
      to: { path: '^(sandbox|testkit|test|bench|scripts)/' },
    },
    {
      name: 'nothing-knows-the-deployment',
      comment: 'what deploys is no part of what is deployed; deploy/ itself may use the library, cli/shared and the build',
      severity: 'error',
      from: { path: '^(lib|functions|cli|cloud-init|sandbox|scripts)/' },
      to: { path: '^deploy/' },
    },
    {
      name: 'deployment-shares-with-cli',
      comment: 'a deployment is no command of scaler: of the command line it uses what commands share',
      severity: 'error',
      from: { path: '^deploy/' },
      to: { path: '^cli/', pathNot: '^cli/shared/' },
    },
    {
      name: 'deployment-tests-nothing',
      severity: 'error',
      from: { path: '^deploy/' },
      to: { path: '^(sandbox|testkit|test|bench|functions)/' },
    },
    {
      name: 'plans-are-pure',
      comment: 'what is wanted and what is to be done is decided without asking anybody',
      severity: 'error',
      from: { path: '^deploy/(plan/|inputs/targets[.]ts$|state/(types|names|desired|gateway-status|ownership)[.]ts$)' },
      to: {
        pathNot: ['^deploy/(plan/|inputs/targets[.]ts$|state/|clients/bucket[.]ts$)', '^lib/(core|config)/', '^lib/otc/obs/policy[.]ts$'],
        ...values,
      },
    },
    {
      name: 'sandbox-is-independent',
      comment: 'what tests our clients must not be made of them; types of the ports are no code',
      severity: 'error',
      from: { path: '^sandbox/' },
      to: { path: '^(lib|functions|cli|cloud-init)/', pathNot: '^lib/signals/', ...values },
    },
    {
      name: 'no-cycles',
      comment: 'nor of types: those that several files of a topic share are in its types.ts',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-missing',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-packages',
      severity: 'error',
      from: { path: '^(lib|functions|cli|cloud-init|sandbox)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], ...values },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
