// Memory that the agent has no more use for once it runs.
#pragma once

namespace proconsul::agent {

/// Gives back the pages of code and constants that the start touched: they are the page cache's, which brings back
/// those that are needed.
void drop_start_pages();

}  // namespace proconsul::agent
