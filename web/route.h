/* Which route a path belongs to. */
#pragma once
#include "web/request.h"

/* Finds the route of the request's method and path, and fills in its numbers and names.  routes ends with a NULL pattern.  NULL: there is
 * none; *other_method then says whether the path has a route with another method. */
const WebRoute *web_route_find(const WebRoute *routes, WebRequest *request, gboolean *other_method);
