#!/bin/sh
# DuckDB: read_csv over a list of files takes the columns of the first one. A later file with more columns loses them without a word, while the same list the
# other way round is an error ("Schema mismatch"). Expected: the same reaction to both orders. union_by_name = true reads all of both.
# Exit code 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @duckdb/node-api@1.5.6-r.1 >/dev/null
printf 'time,machines\n2026-11-22T00:00:00Z,3\n2026-11-22T00:01:00Z,3\n' >narrow.csv
printf 'time,machines,cost\n2026-11-23T00:00:00Z,3,1.5\n2026-11-23T00:01:00Z,3,1.5\n' >wide.csv
cat >try.mjs <<'JS'
import { DuckDBInstance } from '@duckdb/node-api';
const duck = await (await DuckDBInstance.create(':memory:')).connect();
const rows = async (sql) => (await duck.runAndReadAll(sql)).getRowsJson();
const columns = async (files) => {
  try {
    return (await rows(`describe select * from read_csv(${files})`)).map(([name]) => name).join(' ');
  } catch (error) {
    return error.message.split('\n')[0];
  }
};
const read = async (files) => {
  try {
    await rows(`select * from read_csv(${files})`);
    return `${await columns(files)}`;
  } catch (error) {
    return error.message.split('\n')[0];
  }
};
console.log((await rows('select version()'))[0][0]);
const [narrowFirst, wideFirst] = [await read("['narrow.csv', 'wide.csv']"), await read("['wide.csv', 'narrow.csv']")];
console.log('expected: both orders give the same: an error, or the column cost');
console.log(`seen:     narrow first: ${narrowFirst}; wide first: ${wideFirst}`);
process.exit(narrowFirst === 'time machines' && wideFirst.includes('Schema mismatch') ? 0 : 1);
JS
node try.mjs
