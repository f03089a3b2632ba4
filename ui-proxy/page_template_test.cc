#include "ui-proxy/page_template.h"

#include <gtest/gtest.h>

namespace proconsul::ui_proxy {
namespace {

base::Value sample() {
  base::Value data;
  auto& fields = data.make_map();
  fields["Path"] = "/ui/";
  fields["On"] = true;
  fields["Off"] = false;
  auto& list = fields["List"].make_list();
  list.emplace_back("a");
  list.emplace_back("<b>");
  fields["Nothing"] = base::Value();
  fields["Inner"].make_map()["Name"] = "x";
  fields["Empty"].make_list();
  return data;
}

std::string rendered(std::string_view text) {
  const base::Result<std::string> page = render_page(text, sample());
  return page ? *page : "error: " + page.error().detail;
}

TEST(PageTemplate, ShowsFields) {
  EXPECT_EQ(rendered("a {{.Path}} {{ .Inner.Name }} {{.On}} {{.Missing}} b"), "a /ui/ x true <no value> b");
  EXPECT_EQ(rendered("no action"), "no action");
}

TEST(PageTemplate, ChoosesAndRepeats) {
  EXPECT_EQ(rendered("{{if .On}}1{{else}}2{{end}}{{if .Off}}1{{else if .On}}3{{else}}2{{end}}{{if .Missing}}4{{end}}"),
            "13");
  EXPECT_EQ(rendered("{{range .List}}[{{.}} {{$.Path}}]{{end}}{{range .Empty}}x{{else}}none{{end}}"),
            "[a /ui/][<b> /ui/]none");
  EXPECT_EQ(rendered("{{with .Inner}}{{.Name}}{{end}}{{with .Off}}x{{end}}"), "x");
}

TEST(PageTemplate, TrimsBlanksAndLeavesCommentsOut) {
  EXPECT_EQ(rendered("a \n {{- .On -}} \n b"), "atrueb");
  EXPECT_EQ(rendered("a{{/* {{.On}} */}}b {{- /* c */ -}} d"), "abd");
}

TEST(PageTemplate, WritesJsonThatIsFitForAPage) {
  EXPECT_EQ(rendered("{{jsonEncode .Inner}}"), "{\n  \"Name\": \"x\"\n}");
  EXPECT_EQ(page_json(sample()),
            "{\n  \"Empty\": [],\n  \"Inner\": {\n    \"Name\": \"x\"\n  },\n  \"List\": [\n    \"a\",\n"
            "    \"\\u003cb\\u003e\"\n  ],\n  \"Nothing\": null,\n  \"Off\": false,\n  \"On\": true,\n"
            "  \"Path\": \"/ui/\"\n}");
}

TEST(PageTemplate, SaysWhatIsWrong) {
  EXPECT_EQ(rendered("{{foo}}"), "error: function \"foo\" not defined");
  EXPECT_EQ(rendered("{{.On"), "error: unclosed action");
  EXPECT_EQ(rendered("{{/* x"), "error: unclosed comment");
  EXPECT_EQ(rendered("{{if .On}}"), "error: unexpected EOF");
  EXPECT_EQ(rendered("{{end}}"), "error: unexpected {{end}}");
  EXPECT_EQ(rendered("{{if .On}}{{else}}{{else}}{{end}}"), "error: unexpected {{else}}");
  EXPECT_EQ(rendered("{{range .On}}{{end}}"), "error: range can't iterate over true");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "{{if .On}}";
  EXPECT_EQ(rendered(deep), "error: too many blocks in blocks");
  std::string chain = "{{if .Off}}";
  for (int i = 0; i < 100000; ++i) chain += "{{else if .Off}}";
  EXPECT_EQ(rendered(chain + "{{end}}"), "error: too many blocks in blocks");
}

}  // namespace
}  // namespace proconsul::ui_proxy
