{{/* The operator's objects: ufora-operator for a release called ufora, else with the release's name before it. */}}
{{- define "ufora.name" -}}
{{- if eq .Release.Name "ufora" -}}ufora-operator{{- else -}}{{ printf "%s-ufora-operator" .Release.Name | trunc 53 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "ufora.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "ufora.name" .) }}
{{- end -}}

{{/* Cluster-scoped objects carry the namespace, so that two releases of one name do not meet. */}}
{{- define "ufora.clusterWideName" -}}
{{ printf "%s:%s" .Release.Namespace (include "ufora.name" .) }}
{{- end -}}

{{- define "ufora.selector" -}}
app.kubernetes.io/name: ufora-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ufora.labels" -}}
{{ include "ufora.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: ufora
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Pod Security "restricted", and a root that nobody writes to. */}}
{{- define "ufora.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "ufora.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* "true" if the operator looks for clusters in the release's own namespace, where `helm test` works; else empty. */}}
{{- define "ufora.servesItsNamespace" -}}
{{- if or (not .Values.watch.namespaces) (has .Release.Namespace .Values.watch.namespaces) -}}true{{- end -}}
{{- end -}}
