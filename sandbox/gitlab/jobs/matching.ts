import { isBelow, type Job, type Project, type Runner } from '../model.ts';

/**
 * May this runner take this job? GitLab's own rule (lib/gitlab/ci/matching/runner_matcher.rb and
 * app/services/ci/register_job_service.rb), written here independently of the scaler's. Pausing is not part of it: GitLab looks at that
 * before, once per request.
 */
export function mayTake(runner: Runner, job: Job): boolean {
  const { project } = job.pipeline;
  return (
    project.buildsEnabled &&
    serves(runner, project) &&
    (!runner.protectedOnly || job.pipeline.protected) &&
    (job.tags.length > 0 || runner.runUntagged) &&
    job.tags.every((tag) => runner.tags.includes(tag))
  );
}

/** The project lies where the runner works. */
function serves(runner: Runner, project: Project): boolean {
  switch (runner.type) {
    case 'instance_type':
      return project.instanceRunnersEnabled;
    case 'group_type':
      return project.groupRunnersEnabled && runner.group !== undefined && isBelow(project.path, runner.group.path);
    case 'project_type':
      return runner.projects.includes(project);
  }
}
