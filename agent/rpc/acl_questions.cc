#include "agent/rpc/acl_questions.h"

namespace proconsul::agent::rpc {

base::Result<base::List<ACLAuthorizationResponse>> answer_questions(
    const tokens::Who& who, const base::List<ACLAuthorizationRequest>& questions) {
  base::List<ACLAuthorizationResponse> answers;
  answers.make_present();
  for (const ACLAuthorizationRequest& question : questions) {
    const base::Result<bool> allowed =
        acl::authorize(who.permissions->rules, question.Resource, question.Segment, question.Access);
    if (!allowed) return allowed.error();
    ACLAuthorizationResponse& answer = answers.emplace_back();
    static_cast<ACLAuthorizationRequest&>(answer) = question;
    answer.Allow = *allowed;
  }
  return answers;
}

}  // namespace proconsul::agent::rpc
