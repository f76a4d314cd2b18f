import { ConfigError, ThrottledError } from '../../../core/errors.ts';
import { cloudOf, type DoctorContext, describe, isCode, keysRefused, unavailable } from '../context.ts';
import { error, ok, orOk, type Result, warning } from '../findings.ts';
import type { ProjectView, Subject } from '../types.ts';

/** What the file says by itself, and the secrets that this command needs. */
export function checkConfiguration({ subject, services }: DoctorContext): Promise<readonly Result[]> {
  const problems = [
    ...subject.warnings.map((found) =>
      warning('configuration-warning', found, `change it in ${subject.file}, or ignore this if it is intended.`),
    ),
    ...services.missingSecrets.map((key) =>
      error('secret-missing', `${key} is not set.`, `set ${key} in the environment of this command.`),
    ),
  ];
  return Promise.resolve(orOk(problems, 'configuration', `${subject.file} is valid.`));
}

/** Before anything else of OTC, and by itself: more than five wrong signatures lock a key for five minutes. */
export async function checkKeys({ services, options }: DoctorContext): Promise<readonly Result[]> {
  const cloud = cloudOf(services);
  try {
    await cloud.quotas(options);
  } catch (failure) {
    return [keysProblem(failure)];
  }
  return [ok('keys', 'OTC takes the keys. Whether they may create and delete servers shows only when it is done.')];
}

function keysProblem(failure: unknown): Result {
  if (keysRefused(failure)) {
    const todo =
      'look at OTC_ACCESS_KEY and OTC_SECRET_KEY (console: My Credentials, Access Keys); temporary keys also need OTC_SECURITY_TOKEN.';
    return error('keys-refused', describe(failure), todo);
  }
  if (failure instanceof ConfigError && isCode(failure, 'Ecs.0023', 'Common.0018')) {
    return error('project-elsewhere', describe(failure), 'set otc.project_id to the project that the keys belong to.');
  }
  const result = unavailable('keys', failure);
  if (result.level === 'error' || failure instanceof ThrottledError) return result;
  return error(
    'ecs-unreachable',
    describe(failure),
    'look at otc.region, otc.domain and otc.endpoints, and at the network from here to OTC.',
  );
}

export async function checkProject({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  return judgeProject(await cloudOf(services).projects(options), subject);
}

function judgeProject(projects: readonly ProjectView[], { projectId, region }: Pick<Subject, 'projectId' | 'region'>): readonly Result[] {
  const project = projects.find(({ id }) => id === projectId);
  if (!project) {
    const known = projects.map(({ name, id }) => `${name} is ${id}`).join(', ');
    const found = `The project ${projectId} is not visible to the keys.${known === '' ? '' : ` ${known}.`}`;
    return [error('project-missing', found, 'set otc.project_id as the console shows it: My Credentials, Projects.')];
  }
  const problems: Result[] = [];
  if (!project.enabled) {
    problems.push(error('project-disabled', `The project ${project.name} is disabled.`, 'enable it in the console: IAM, Projects.'));
  }
  if (project.name !== region && !project.name.startsWith(`${region}_`)) {
    const found = `The project ${project.name} does not belong to the region ${region}.`;
    problems.push(error('project-elsewhere', found, "make otc.region and otc.project_id agree: a project's name begins with its region."));
  }
  return orOk(problems, 'project', `The project is ${project.name}.`);
}
