#include "ui-proxy/site.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "ui-proxy/site_files.h"

namespace proconsul::ui_proxy {
namespace {

std::string header(const Page& page, std::string_view name) {
  for (const auto& [key, value] : page.headers) {
    if (key == name) return value;
  }
  return {};
}

Page get(const Site& site, std::string_view path) {
  return site.get({.path = path});
}

/// A folder of its own for a test's files.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "site_test_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name) << content;
    return path_ + "/" + name;
  }

 private:
  std::string path_{};
};

TEST(Site, StartsTheUiForEveryPathThatIsNoFile) {
  const Site site({.datacenter = "dc7", .acls_enabled = true});

  for (const std::string_view path : {"", "dc1/services", "assets/none.js", "assets/", "/dc1/kv/a/edit", "../x"}) {
    const Page page = get(site, path);
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(page.type, "text/html; charset=utf-8") << path;
    EXPECT_NE(page.body.find("\"LocalDatacenter\": \"dc7\""), std::string::npos) << path;
    EXPECT_NE(page.body.find("\"ACLsEnabled\": true"), std::string::npos) << path;
    EXPECT_NE(header(page, "Content-Security-Policy").find("default-src 'none'"), std::string::npos) << path;
  }
}

TEST(Site, TellsThePageNothingThatEndsItsScript) {
  const Site site({.metrics_provider = "x", .dashboard_url_templates = {{"service", "http://x/</script><b>"}}});

  const std::string body = get(site, "").body;

  EXPECT_EQ(body.find("<b>"), std::string::npos);
  EXPECT_NE(body.find(R"("service": "http://x/\u003c/script\u003e\u003cb\u003e")"), std::string::npos);
}

TEST(Site, MovesPathsAsGosFileServerDoes) {
  const Site site(SiteSettings{});

  const std::pair<std::string_view, std::string_view> moves[] = {{"index.html", "./"},
                                                                 {"dc1/index.html", "./"},
                                                                 {"assets", "assets/"},
                                                                 {"dc1/services/", "../services"},
                                                                 {"assets/main.js/", "../main.js"}};
  for (const auto& [path, where] : moves) {
    const Page page = get(site, path);
    EXPECT_EQ(page.status, 301) << path;
    EXPECT_EQ(header(page, "Location"), where) << path;
    EXPECT_TRUE(page.type.empty() && page.body.empty()) << path;
  }
  EXPECT_EQ(header(site.get({.path = "assets", .query = "a=1"}), "Location"), "assets/?a=1");
}

TEST(Site, SendsFilesPackedWhereThatIsUnderstood) {
  const Site site(SiteSettings{});

  const Page plain = get(site, "assets/main.js");
  const Page packed = site.get({.path = "assets/main.js", .takes_gzip = true});
  const Page known = site.get({.path = "assets/main.js", .if_none_match = header(plain, "ETag")});

  EXPECT_EQ(plain.type, "text/javascript; charset=utf-8");
  EXPECT_NE(plain.body.find("import"), std::string::npos);
  EXPECT_EQ(header(plain, "Content-Encoding"), "");
  EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
  EXPECT_TRUE(packed.body.starts_with("\x1f\x8b"));
  EXPECT_EQ(known.status, 304);
  EXPECT_TRUE(known.body.empty());
}

TEST(Site, EveryFileHasATypeAndIsSmall) {
  std::size_t packed = 0;
  for (const SiteFile& file : site_files()) {
    packed += file.packed.size();
    EXPECT_EQ(unpacked(file).size(), file.size) << file.name;
    if (file.name != "index.html") {
      const Page page = get(Site(SiteSettings{}), file.name);
      EXPECT_FALSE(page.type.empty()) << file.name;
      EXPECT_EQ(page.body, unpacked(file)) << file.name;
    }
  }
  EXPECT_LT(packed, 100u << 10);
  EXPECT_EQ(get(Site(SiteSettings{}), "robots.txt").body, "# http://www.robotstxt.org\nUser-agent: *\nDisallow: /\n");
}

TEST(Site, JoinsTheScriptsOfMetricsProviders) {
  const Folder folder;
  const std::string one = folder.write("one.js", "let one;");
  const std::string two = folder.write("two.js", "let two;");
  Site site(SiteSettings{});

  const Page none = get(site, "assets/compiled-metrics-providers.js");
  site.set({.metrics_provider_files = {one, two}});
  const Page both = get(site, "assets/compiled-metrics-providers.js");
  const Page start = get(site, "");
  site.set({.metrics_provider_files = {folder.path() + "/three.js"}});
  const Page missing = get(site, "assets/compiled-metrics-providers.js");

  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.body, "No provider JS files configured\n");
  EXPECT_EQ(both.type, "application/javascript");
  EXPECT_EQ(both.body, "// one.js\n\nlet one;\n\n// two.js\n\nlet two;\n\n");
  EXPECT_NE(start.body.find("src=\"/ui/assets/compiled-metrics-providers.js\""), std::string::npos);
  EXPECT_EQ(missing.status, 500);
  EXPECT_EQ(missing.body, "Internal Server Error\n");
}

TEST(Site, AFolderOfTheUsersOwnIsServedInstead) {
  const Folder folder;
  folder.write("index.html", "<base href='{{.ContentPath}}'>{{ range .ExtraScripts }}{{.}}{{ end }}");
  folder.write("a/data.bin", std::string_view("\0\1", 2));
  folder.write("a/page", "<!DOCTYPE html><p>");
  const Site site({.content_path = "/x/", .folder = folder.path()});

  const Page data = get(site, "a/data.bin");

  EXPECT_EQ(get(site, "").body, "<base href='/x/'>");
  EXPECT_EQ(get(site, "a/none").body, "<base href='/x/'>");
  EXPECT_EQ(get(site, "a/").body, "<base href='/x/'>");
  EXPECT_EQ(header(get(site, "a"), "Location"), "a/");
  EXPECT_EQ(data.body, std::string_view("\0\1", 2));
  EXPECT_EQ(data.type, "application/octet-stream");
  EXPECT_EQ(get(site, "a/page").type, "text/html; charset=utf-8");
  EXPECT_EQ(site.get({.path = "a/data.bin", .if_modified_since = header(data, "Last-Modified")}).status, 304);
  EXPECT_EQ(get(site, "assets/main.js").body, "<base href='/x/'>");
}

TEST(Site, NoPathLeavesTheUsersFolder) {
  const Folder folder;
  folder.write("secret", "s");
  folder.write("ui/a.txt", "a");
  const Site site({.folder = folder.path() + "/ui"});

  const std::string_view paths[] = {"../secret", "a/../../secret", "..", "/../secret",
                                    std::string_view("../secret\0a.txt", 15)};
  for (const std::string_view path : paths) {
    EXPECT_NE(get(site, path).body, "s") << path;
  }
}

TEST(Site, WithoutAnIndexTheUsersFolderIsListed) {
  const Folder folder;
  folder.write("x&y.html", "<p>");
  folder.write("s b/in:ner.txt", "");
  const Site site({.folder = folder.path()});

  EXPECT_EQ(get(site, "").body,
            "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n"
            "<a href=\"s%20b/\">s b/</a>\n<a href=\"x&y.html\">x&amp;y.html</a>\n</pre>\n");
  EXPECT_NE(get(site, "s b/").body.find("<a href=\"./in:ner.txt\">"), std::string::npos);
  EXPECT_EQ(get(site, "none").status, 404);
  EXPECT_EQ(get(site, "none").body, "404 page not found\n");
}

TEST(Site, AnIndexThatIsNoTemplateIsAnError) {
  const Folder folder;
  folder.write("index.html", "{{foo}}");

  const Page page = get(Site({.folder = folder.path()}), "");

  EXPECT_EQ(page.status, 500);
  EXPECT_EQ(page.body, "UI server is misconfigured.\n");
}

}  // namespace
}  // namespace proconsul::ui_proxy
